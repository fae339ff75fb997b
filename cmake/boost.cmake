# SPDX-License-Identifier: Apache-2.0
# Boost >= 1.88, headers only: installed ones where the distribution has them, otherwise the folder that
# script/bootstrap fills.
include("${CMAKE_CURRENT_LIST_DIR}/find_boost.cmake")
hiky_find_boost("${PROJECT_SOURCE_DIR}/.deps/boost/usr/include")
if(NOT hiky_boost_found)
  message(FATAL_ERROR "Boost >= 1.88 headers not found. Run script/bootstrap, or pass -DHIKY_BOOST_INCLUDE_DIR=DIR (the folder that holds boost/version.hpp).")
endif()
message(STATUS "Boost ${hiky_boost_found} in ${HIKY_BOOST_INCLUDE_DIR}")

add_library(hiky_boost INTERFACE)
set_target_properties(hiky_boost PROPERTIES EXPORT_NAME boost)
target_include_directories(hiky_boost SYSTEM INTERFACE $<BUILD_INTERFACE:${HIKY_BOOST_INCLUDE_DIR}>)
target_compile_definitions(hiky_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
