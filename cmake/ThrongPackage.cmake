# What `cmake --install` puts where, and the Debian package:
#
#   cmake --preset package && cmake --build --preset package --target throngd throng
#   (cd build/package && cpack -G DEB)
#
# The package brings its own CRoaring: Debian 12 has none that is new enough
# (docs/decisions/0002-croaring-from-testing.md). It lies in a directory of ours, where no other
# program finds it.
set(CMAKE_INSTALL_PREFIX "/usr" CACHE PATH "Where programs go" FORCE)
set(private_libraries "lib/throng")

set_target_properties(throngd throng PROPERTIES INSTALL_RPATH "$ORIGIN/../${private_libraries}")
install(TARGETS throngd throng RUNTIME DESTINATION bin)

get_target_property(roaring_type roaring::roaring TYPE)
if(roaring_type STREQUAL "SHARED_LIBRARY" OR roaring_type STREQUAL "UNKNOWN_LIBRARY")
  # Under the name that programs look for, not by the link of the development package.
  install(FILES "$<TARGET_FILE:roaring::roaring>" DESTINATION "${private_libraries}"
          RENAME "$<TARGET_SONAME_FILE_NAME:roaring::roaring>")
endif()

set(deploy "${PROJECT_SOURCE_DIR}/deploy")
install(FILES "${deploy}/throngd.toml" DESTINATION /etc/throng)
install(FILES "${deploy}/systemd/throngd.service" "${deploy}/systemd/throng-backup.service"
              "${deploy}/systemd/throng-backup.timer" DESTINATION lib/systemd/system)
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION share/doc/throng RENAME copyright)
install(FILES "${PROJECT_SOURCE_DIR}/CHANGELOG.md" "${deploy}/prometheus/alerts.yml"
              "${deploy}/grafana/throng.json" DESTINATION share/doc/throng)

# Man pages are what the programs say of themselves, so they are made when the programs are there.
foreach(page IN ITEMS throngd.8 throng.1)
  string(REGEX REPLACE "^(.*)[.](.)$" "\\1;\\2" parts "${page}")
  list(GET parts 0 program)
  list(GET parts 1 section)
  install(CODE "execute_process(
      COMMAND \"${PROJECT_SOURCE_DIR}/scripts/man_page.sh\" \"$<TARGET_FILE:${program}>\" ${section}
      COMMAND gzip -9n
      OUTPUT_FILE \"${CMAKE_BINARY_DIR}/${page}.gz\" COMMAND_ERROR_IS_FATAL ANY)")
  install(FILES "${CMAKE_BINARY_DIR}/${page}.gz" DESTINATION "share/man/man${section}")
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME throng)
set(CPACK_PACKAGE_CONTACT "The Throng maintainers <throng@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGE_DESCRIPTION
    "throngd answers who of 100 million users a condition selects, exactly and in milliseconds;
throng is its command line. Every value of a tag is a bitmap in memory, persisted in RocksDB.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, tzdata")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_BINARY_DIR}/private_libraries")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${deploy}/debian/postinst;${deploy}/debian/prerm;${deploy}/debian/postrm;${CMAKE_BINARY_DIR}/conffiles")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_STRIP_FILES ON)
file(WRITE "${CMAKE_BINARY_DIR}/conffiles" "/etc/throng/throngd.toml\n")
include(CPack)
