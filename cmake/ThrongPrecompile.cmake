# throng_precompile(TARGET HEADER...): parses third-party headers once for the target and not once
# for each of its files (gRPC's and GoogleTest's take longer than what we wrote). Files include what
# they use all the same: THRONG_PRECOMPILE=OFF builds without.
option(THRONG_PRECOMPILE "Precompile large headers of libraries" ON)

function(throng_precompile target)
  if(THRONG_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
    # What ccache needs to look through a precompiled header.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
  endif()
endfunction()

# throng_build_fast(TARGET): for code whose speed nobody waits for, as tests: optimised less than
# the rest of a release, and so compiled in about two thirds of the time.
function(throng_build_fast target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:RelWithDebInfo>:-O1>)
endfunction()

# The generated headers that most files of the services and of their tests include.
set(throng_api_headers)
foreach(name IN ITEMS admin crowd insight membership population selection tag user)
  list(APPEND throng_api_headers "<throng/v1/${name}.grpc.pb.h>")
endforeach()
