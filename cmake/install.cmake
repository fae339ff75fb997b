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
  "${PROJECT_SOURCE_DIR}/cmake/compiler_floor.cmake"
  DESTINATION "${hiky_package_dir}")

# Man page and completion, which the program makes from its own options.
set(HIKY_ZSH_COMPLETIONS "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Where zsh looks for completion; Debian's packages use share/zsh/vendor-completions")
find_program(HIKY_GZIP gzip)
function(hiky_texts program)
  set(dir "${PROJECT_BINARY_DIR}/texts")
  set(page "${program}.1")
  if(HIKY_GZIP)
    set(page "${program}.1.gz")
    set(compress COMMAND ${HIKY_GZIP} -9nkf "${dir}/${program}.1")
  endif()
  set(ask --help-completion)
  if(program STREQUAL "hikyctl")
    set(ask completion)
  endif()
  add_custom_command(OUTPUT "${dir}/${program}.1" "${dir}/${program}.bash" "${dir}/_${program}" "${dir}/${program}.fish" DEPENDS ${program} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory "${dir}"
    COMMAND ${program} --help-man > "${dir}/${program}.1"
    ${compress}
    COMMAND ${program} ${ask} bash > "${dir}/${program}.bash"
    COMMAND ${program} ${ask} zsh > "${dir}/_${program}"
    COMMAND ${program} ${ask} fish > "${dir}/${program}.fish")
  add_custom_target(${program}_texts ALL DEPENDS "${dir}/${program}.1")
  install(FILES "${dir}/${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT daemon)
  install(FILES "${dir}/${program}.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions" RENAME ${program} COMPONENT daemon)
  install(FILES "${dir}/_${program}" DESTINATION "${HIKY_ZSH_COMPLETIONS}" COMPONENT daemon)
  install(FILES "${dir}/${program}.fish" DESTINATION "${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d" COMPONENT daemon)
endfunction()
foreach(program hikyd hikyctl)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT daemon)
    hiky_texts(${program})
  endif()
endforeach()
