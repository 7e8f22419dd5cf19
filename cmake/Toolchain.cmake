# Compiler settings: ccache and mold where present, strict warnings for our code, sanitizers by preset.
find_program(CCACHE ccache)
if(CCACHE)
  # The sloppiness lets ccache serve files that use the precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} ${CCACHE})
endif()

add_library(sluice_build_flags INTERFACE)
target_compile_options(sluice_build_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror)

find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -O1)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
  # Instrumented code makes g++ 12 see uninitialised members that are none (GCC bug 105562), and Asio's frame allocator, which
  # is then inlined only in part, confuses the new/delete check.
  target_compile_options(sluice_build_flags INTERFACE -Wno-maybe-uninitialized -Wno-mismatched-new-delete)
  if(SLUICE_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(SLUICE_SANITIZE MATCHES "thread")
    # Asio uses atomic_thread_fence, which g++ warns about under tsan.
    target_compile_options(sluice_build_flags INTERFACE -Wno-tsan)
  endif()
endif()
