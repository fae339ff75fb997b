# SPDX-License-Identifier: Apache-2.0
# The Debian package: cpack -G DEB in the build folder, or script/package. It holds the daemon, its tool, and the files
# of a service; no library. cmake --install leaves these files out: only a package may write to /etc.
install(FILES "${PROJECT_SOURCE_DIR}/deploy/hikyd.toml" DESTINATION /etc/hiky COMPONENT package EXCLUDE_FROM_ALL)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/systemd/hikyd.service" DESTINATION lib/systemd/system COMPONENT package EXCLUDE_FROM_ALL)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/debian/copyright" DESTINATION share/doc/hiky COMPONENT package EXCLUDE_FROM_ALL)

# The maintainer of a package is the person who builds it, under the names that Debian's own tools look for.
if(DEFINED ENV{DEBEMAIL})
  set(CPACK_PACKAGE_CONTACT "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
else()
  set(CPACK_PACKAGE_CONTACT "The hiky authors <hiky@localhost>")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)

if(HIKY_GZIP)
  string(TIMESTAMP HIKY_PACKAGED "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH counts
  configure_file(deploy/debian/changelog.in texts/changelog.Debian @ONLY)
  configure_file(CHANGELOG.md texts/changelog COPYONLY)
  foreach(text IN ITEMS changelog changelog.Debian)
    # -n: no name and no time, so that the same sources give the same file.
    add_custom_command(OUTPUT "${PROJECT_BINARY_DIR}/texts/${text}.gz" DEPENDS "${PROJECT_BINARY_DIR}/texts/${text}" VERBATIM
      COMMAND ${HIKY_GZIP} -9nc "${PROJECT_BINARY_DIR}/texts/${text}" > "${PROJECT_BINARY_DIR}/texts/${text}.gz")
    add_custom_target(${text}_gz ALL DEPENDS "${PROJECT_BINARY_DIR}/texts/${text}.gz")
    install(FILES "${PROJECT_BINARY_DIR}/texts/${text}.gz" DESTINATION share/doc/hiky COMPONENT package EXCLUDE_FROM_ALL)
  endforeach()
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME hiky)
set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "WebSocket backend for chat, on Redis")
set(CPACK_PACKAGE_DESCRIPTION
"Rooms, presence, typing, friends, and messages that wait for whoever is away.
All state lives in Redis: in one of its own, which the daemon starts and ends,
or in one that any number of daemons share. With hikyctl, which looks into it.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL daemon package)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS adduser)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS redis-server)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  "${PROJECT_SOURCE_DIR}/deploy/debian/conffiles"
  "${PROJECT_SOURCE_DIR}/deploy/debian/postinst"
  "${PROJECT_SOURCE_DIR}/deploy/debian/prerm"
  "${PROJECT_SOURCE_DIR}/deploy/debian/postrm")
include(CPack)
