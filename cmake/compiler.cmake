# SPDX-License-Identifier: Apache-2.0
# Compiler floor, warnings, sanitizers, linker: the settings that all targets of this build share.
include("${CMAKE_CURRENT_LIST_DIR}/compiler_floor.cmake")
hiky_compiler_fault(hiky_fault)
if(hiky_fault)
  message(FATAL_ERROR "${hiky_fault}")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(PROJECT_IS_TOP_LEVEL)
  # Programs lie at the top of the build folder: build/release/hikyd.
  set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}")
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
# For programs too, where CMAKE_POSITION_INDEPENDENT_CODE would say -fPIE: clang refuses a precompiled header made with
# the other one.
add_compile_options(-fPIC)
# Addresses of functions are looked up at the start and read-only from then on.
add_link_options(-Wl,-z,relro,-z,now)

set(HIKY_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined | thread | fuzzer-no-link,…)")
set(HIKY_COVERAGE OFF CACHE STRING "Instrument for llvm-cov: ON for all, or the layers (chat;state)")

add_library(hiky_options INTERFACE)
target_compile_options(hiky_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers)
if(HIKY_SANITIZE)
  add_compile_options(-fsanitize=${HIKY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=${HIKY_SANITIZE})
endif()
if(HIKY_BUILD_FUZZERS AND NOT HIKY_SANITIZE MATCHES "fuzzer")
  # The cheapest that guides libFuzzer, so that one build serves the tests and the targets.
  add_compile_options(-fsanitize-coverage=inline-8bit-counters,pc-table)
endif()
if(HIKY_COVERAGE)
  if(HIKY_COVERAGE STREQUAL "ON")
    add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  endif()
  add_link_options(-fprofile-instr-generate)
endif()

find_program(HIKY_LLD NAMES ld.lld-19 ld.lld)
if(HIKY_LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(--ld-path=${HIKY_LLD})
endif()
find_program(HIKY_CCACHE ccache)
if(HIKY_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${PROJECT_SOURCE_DIR}/cmake/compile_cached")
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>" -ffile-compilation-dir=.)
endif()
