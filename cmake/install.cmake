# SPDX-License-Identifier: Apache-2.0
# cmake --install: the component `library` (find_package(hiky) gives hiky::state), and `daemon`, the programs that are
# built.
include(CMakePackageConfigHelpers)
set(hiky_package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/hiky")

# An install without a built program says so in a sentence. Every program links the libraries: where the libraries are
# missing, nothing is built.
set(hiky_build_it "cmake --build \"${PROJECT_BINARY_DIR}\"")
install(CODE "if(NOT EXISTS \"$<TARGET_FILE:hiky_state>\")
  message(FATAL_ERROR [[hiky is not built yet, so there is nothing to install. First run: ${hiky_build_it}]])
endif()" ALL_COMPONENTS)

set_target_properties(hiky_boost_bodies PROPERTIES EXPORT_NAME boost_bodies)
install(TARGETS hiky_boost hiky_boost_bodies hiky_base hiky_redis hiky_state EXPORT hiky
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library)
install(EXPORT hiky NAMESPACE hiky:: FILE hiky-targets.cmake DESTINATION "${hiky_package_dir}" COMPONENT library)
install(CODE "set(FROM [[${PROJECT_SOURCE_DIR}/src]])
set(TO [[${PROJECT_BINARY_DIR}/headers/hiky]])
set(LAYERS base redis state)
include([[${PROJECT_SOURCE_DIR}/cmake/install_headers.cmake]])" COMPONENT library)
install(DIRECTORY "${PROJECT_BINARY_DIR}/headers/hiky" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library)

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/hiky-config.cmake.in" "${PROJECT_BINARY_DIR}/hiky-config.cmake"
  INSTALL_DESTINATION "${hiky_package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/hiky-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/hiky-config.cmake" "${PROJECT_BINARY_DIR}/hiky-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/find_boost.cmake" "${PROJECT_SOURCE_DIR}/cmake/compiler_floor.cmake"
  DESTINATION "${hiky_package_dir}" COMPONENT library)

foreach(program hikyd hikyctl)
  if(TARGET ${program})
    install(CODE "if(NOT EXISTS \"$<TARGET_FILE:${program}>\")
  message(STATUS [[${program} is not built, so it is left out, with its man page and completion. \
To have it: ${hiky_build_it} --target ${program}]])
endif()" COMPONENT daemon)
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT daemon OPTIONAL)
    set(texts "${PROJECT_BINARY_DIR}/texts")
    install(FILES "${texts}/${program}${hiky_page_suffix}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT daemon OPTIONAL)
    install(FILES "${texts}/${program}.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
      RENAME ${program} COMPONENT daemon OPTIONAL)
    install(FILES "${texts}/_${program}" DESTINATION "${HIKY_ZSH_COMPLETIONS}" COMPONENT daemon OPTIONAL)
    install(FILES "${texts}/${program}.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d"
      COMPONENT daemon OPTIONAL)
  endif()
endforeach()
