# SPDX-License-Identifier: Apache-2.0
# hiky_compiler_fault(OUT): why the project's C++ compiler can't be used, the expected compiler, and the mend; empty
# where it can be used. Used by this build and, installed, by hiky-config.cmake: a program's coroutines are made by the
# program's compiler.
function(hiky_compiler_fault out)
  set(why "")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    set(why "g++ ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines (temporaries in a co_await expression are freed too early)")
  elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
    set(why "clang ${CMAKE_CXX_COMPILER_VERSION} does not know enough of C++20's concepts, and has no std::expected with libstdc++")
  endif()
  if(why)
    string(APPEND why ". Expected: clang >= 19 or g++ >= 13. Configure anew in an empty build folder with -DCMAKE_CXX_COMPILER=clang++-19 "
      "(Debian 12 and Ubuntu 24.04 have the package clang-19)")
  endif()
  set(${out} "${why}" PARENT_SCOPE)
endfunction()
