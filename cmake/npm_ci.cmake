# SPDX-License-Identifier: Apache-2.0
# cmake -D DIR=folder -P npm_ci.cmake: `npm ci` in the folder, only when its lock file is another than the one installed
# last. file(LOCK) empties the file it is given, so it gets one of its own, in the folder that git ignores.
string(SHA256 name "${DIR}")
file(MAKE_DIRECTORY "${CMAKE_CURRENT_LIST_DIR}/../.deps")
file(LOCK "${CMAKE_CURRENT_LIST_DIR}/../.deps/npm-${name}.lock" GUARD PROCESS TIMEOUT 280)

file(SHA256 "${DIR}/package-lock.json" wanted)
set(stamp "${DIR}/node_modules/.lock-sha256")
set(installed "")
if(EXISTS "${stamp}")
  file(READ "${stamp}" installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND npm ci --no-audit --no-fund --loglevel=error WORKING_DIRECTORY "${DIR}" RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "npm ci failed in ${DIR}: it needs npm and a package registry that answers.")
  endif()
  file(WRITE "${stamp}" "${wanted}")
endif()
