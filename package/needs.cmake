# Run by cpack once everything is where it is packed from: the libraries that the programs need, as Debian's packages. CPack's
# own way (CPACK_DEBIAN_PACKAGE_SHLIBDEPS) asks `file` about every scenario first, one process each.
file(GLOB programs ${CPACK_TEMPORARY_INSTALL_DIRECTORY}/headroom${CPACK_PACKAGING_INSTALL_PREFIX}/bin/*)
set(folder ${CPACK_TOPLEVEL_DIRECTORY}/needs)
file(WRITE ${folder}/debian/control "Source: headroom\n") # it wants to see one
execute_process(COMMAND ${CPACK_HEADROOM_SHLIBDEPS} -O ${programs} WORKING_DIRECTORY ${folder}
                OUTPUT_VARIABLE needs ERROR_VARIABLE said RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE)
if(NOT code EQUAL 0 OR NOT needs MATCHES "^shlibs:Depends=(.+)$")
  message(FATAL_ERROR "dpkg-shlibdeps: ${said}")
endif()
set(CPACK_DEBIAN_HEADROOM_PACKAGE_DEPENDS "${CMAKE_MATCH_1}")
