# SPDX-License-Identifier: Apache-2.0
# hiky_texts(PROGRAM ASK…): man page and completion. The program makes them from its own options when it is linked, so
# that a build of this program alone has them, too. ASK are the arguments that make the program print the completion.
# The texts lie in texts/ of the build folder; cmake/install.cmake installs them.
set(HIKY_ZSH_COMPLETIONS "${CMAKE_INSTALL_DATADIR}/zsh/site-functions" CACHE STRING "Where zsh looks for completion; Debian's packages use share/zsh/vendor-completions")
find_program(HIKY_GZIP gzip)
set(hiky_page_suffix .1)
if(HIKY_GZIP)
  set(hiky_page_suffix .1.gz)
endif()

function(hiky_texts program)
  set(dir "${PROJECT_BINARY_DIR}/texts")
  set(page "${dir}/${program}.1")
  set(made "${page}" "${dir}/${program}.bash" "${dir}/_${program}" "${dir}/${program}.fish")
  if(HIKY_GZIP)
    set(compress COMMAND ${HIKY_GZIP} -9nkf "${page}")
    list(APPEND made "${page}.gz")
  endif()
  add_custom_command(TARGET ${program} POST_BUILD BYPRODUCTS ${made} VERBATIM
    COMMAND ${CMAKE_COMMAND} -E make_directory "${dir}"
    COMMAND ${program} --help-man > "${page}"
    ${compress}
    COMMAND ${program} ${ARGN} bash > "${dir}/${program}.bash"
    COMMAND ${program} ${ARGN} zsh > "${dir}/_${program}"
    COMMAND ${program} ${ARGN} fish > "${dir}/${program}.fish")
endfunction()
