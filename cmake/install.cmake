# SPDX-License-Identifier: Apache-2.0
# cmake --install: the library (find_package(hiky) gives hiky::state) and, where they are built, the programs.
include(CMakePackageConfigHelpers)
set(hiky_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hiky")

set_target_properties(hiky_boost_bodies PROPERTIES EXPORT_NAME boost_bodies)
install(TARGETS hiky_boost hiky_boost_bodies hiky_base hiky_redis hiky_state EXPORT hiky ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(EXPORT hiky NAMESPACE hiky:: FILE hiky-targets.cmake DESTINATION "${hiky_package_dir}")
foreach(layer base redis state)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/${layer}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/hiky"
    FILES_MATCHING PATTERN "*.hpp" PATTERN precompiled.hpp EXCLUDE PATTERN scripts EXCLUDE)
endforeach()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/hiky-config.cmake.in" "${PROJECT_BINARY_DIR}/hiky-config.cmake"
  INSTALL_DESTINATION "${hiky_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/hiky-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/hiky-config.cmake" "${PROJECT_BINARY_DIR}/hiky-config-version.cmake" "${PROJECT_SOURCE_DIR}/cmake/find_boost.cmake"
  DESTINATION "${hiky_package_dir}")

foreach(program hikyd hikyctl)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  endif()
endforeach()
