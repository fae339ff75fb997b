# SPDX-License-Identifier: Apache-2.0
# hiky_find_boost(HINTS…): sets HIKY_BOOST_INCLUDE_DIR in the cache to the first folder with the headers of Boost >=
# 1.88, or leaves it as it is and sets hiky_boost_found to 0. Searched by header, not by package: a distribution may
# carry several Boosts and none of the CMake files of this one. Used by this build and, installed, by hiky-config.cmake.
set(HIKY_BOOST_INCLUDE_DIR "$ENV{HIKY_BOOST_INCLUDE_DIR}" CACHE PATH "Folder that holds boost/version.hpp of Boost >= 1.88")
function(hiky_find_boost)
  set(hiky_boost_found 0 PARENT_SCOPE)
  foreach(dir IN ITEMS "${HIKY_BOOST_INCLUDE_DIR}" ${ARGN} /usr/local/include /usr/include)
    if(dir AND EXISTS "${dir}/boost/version.hpp")
      file(STRINGS "${dir}/boost/version.hpp" line REGEX "^#define BOOST_VERSION ")
      string(REGEX REPLACE "^#define BOOST_VERSION ([0-9]+).*" "\\1" version "${line}")
      if(version GREATER_EQUAL 108800)
        set(HIKY_BOOST_INCLUDE_DIR "${dir}" CACHE PATH "" FORCE)
        set(hiky_boost_found ${version} PARENT_SCOPE)
        return()
      endif()
    endif()
  endforeach()
endfunction()
