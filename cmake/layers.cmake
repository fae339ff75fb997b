# SPDX-License-Identifier: Apache-2.0
# hiky_layer(NAME [LINKS …]): one static library from src/NAME and its folders. A layer sees only the headers of what it
# links: includes are written "folder/file.hpp", and script/fences refuses an include of a folder the layer does not
# link. A folder without sources is an interface library: the build can grow folder by folder.
function(hiky_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "LINKS")
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/${name}/*/*.cpp")
  set(target hiky_${name})
  if(sources)
    set(scope PUBLIC)
    add_library(${target} STATIC ${sources})
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:hiky_options>)
    target_precompile_headers(${target} REUSE_FROM hiky_precompiled)
    if(name IN_LIST HIKY_COVERAGE)
      target_compile_options(${target} PRIVATE -fprofile-instr-generate -fcoverage-mapping)
    endif()
  else()
    set(scope INTERFACE)
    add_library(${target} INTERFACE)
  endif()
  add_library(hiky::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  if(NOT PROJECT_IS_TOP_LEVEL)
    # A project that has this one as a folder of its own includes the headers by the names that they have when
    # installed.
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/include")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/src" "${PROJECT_BINARY_DIR}/include/hiky" SYMBOLIC)
    target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include>)
  endif()
  target_link_libraries(${target} ${scope} ${arg_LINKS})
endfunction()
