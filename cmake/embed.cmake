# SPDX-License-Identifier: Apache-2.0
# hiky_embed(<target> <header> <namespace> FILES a.lua b.lua …)
# Makes build-time header <header> with one `inline constexpr std::string_view NAME` per file, so that a binary needs no
# file beside it. `all` lists them by file name. NAME is the file's name with every character that C++ forbids turned
# into `_` (publish.lua → publish_lua).
function(hiky_embed target header namespace)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "FILES")
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "INTERFACE_LIBRARY")
    return()  # a layer without sources has no file that reads the header
  endif()
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embedded/${header}")
  list(JOIN arg_FILES "|" joined)
  # Lua files may include others (embed_files.cmake).
  list(GET arg_FILES 0 first)
  get_filename_component(folder "${first}" DIRECTORY)
  file(GLOB included CONFIGURE_DEPENDS "${folder}/../lib/*.lua")
  if(included)
    list(APPEND included "${PROJECT_SOURCE_DIR}/src/state/chat/bus_letters.hpp")
  endif()
  add_custom_command(OUTPUT "${out}" DEPENDS ${arg_FILES} ${included} "${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake" VERBATIM
    COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DNAMESPACE=${namespace}" "-DFILES=${joined}" -P "${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake")
  target_sources(${target} PRIVATE "${out}")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}/embedded")
endfunction()
