# SPDX-License-Identifier: Apache-2.0
# Run by cmake --install: fills TO with the headers of LAYERS as programs get them, from FROM (the project's src/). In
# the project a header includes "state/page.hpp"; installed it is <hiky/state/page.hpp>, so that nothing but `hiky`
# stands in a program's include path. A header that has not changed keeps its time, so that no file that includes it is
# built again.
file(GLOB_RECURSE old LIST_DIRECTORIES false "${TO}/*.hpp")
list(JOIN LAYERS "|" layers)
foreach(layer IN LISTS LAYERS)
  file(GLOB_RECURSE headers RELATIVE "${FROM}" "${FROM}/${layer}/*.hpp")
  list(FILTER headers EXCLUDE REGEX "/precompiled\\.hpp$")
  foreach(header IN LISTS headers)
    set(installed "${TO}/${header}")
    list(REMOVE_ITEM old "${installed}")
    file(READ "${FROM}/${header}" text)
    string(REGEX REPLACE "#include \"((${layers})/[^\"]*)\"" "#include \"hiky/\\1\"" text "${text}")
    set(before "")
    if(EXISTS "${installed}")
      file(READ "${installed}" before)
    endif()
    if(NOT text STREQUAL before)
      file(WRITE "${installed}" "${text}")
    endif()
  endforeach()
endforeach()
if(old)
  file(REMOVE ${old})
endif()
