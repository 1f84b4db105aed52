# What every target of Throng is built with, as one interface target: nothing global.
add_library(throng_options INTERFACE)
target_compile_features(throng_options INTERFACE cxx_std_20)
target_include_directories(throng_options INTERFACE "${PROJECT_SOURCE_DIR}")
# GCC's warnings about overlaps and lengths follow from what the optimiser sees, which sanitizers
# change: they are errors without these.
set(werror -Werror)
if(THRONG_SANITIZE)
  set(werror $<$<CXX_COMPILER_ID:Clang>:-Werror>)
endif()
target_compile_options(throng_options INTERFACE
  -Wall -Wextra -Wpedantic ${werror} -Wnon-virtual-dtor -Woverloaded-virtual
  -Wno-missing-field-initializers  # designated initializers leave defaults out on purpose
  -fno-omit-frame-pointer
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>  # false positives with absl::StatusOr at -O3
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)

# What makes a mistake in a program that users run harder to use: buffers and stacks are checked,
# what is linked is read-only once the program runs. Nothing in the builds under sanitizers, which
# check more. The preset `package` has it; scripts/check_hardening.sh looks. -fcf-protection is left
# out: Debian 12 neither builds its libraries so nor turns it on.
option(THRONG_HARDEN "Harden builds that are optimised and not under sanitizers" OFF)
add_library(throng_hardening INTERFACE)
if(THRONG_HARDEN AND NOT THRONG_SANITIZE)
  set(optimised $<OR:$<CONFIG:RelWithDebInfo>,$<CONFIG:Release>>)
  target_compile_options(throng_hardening INTERFACE
    $<${optimised}:-fstack-protector-strong> $<${optimised}:-fstack-clash-protection>
    $<${optimised}:-fPIE> $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
  target_link_options(throng_hardening INTERFACE
    $<${optimised}:-pie> $<${optimised}:-Wl,-z,relro,-z,now,-z,noexecstack>)
endif()
target_link_libraries(throng_options INTERFACE throng_hardening)

if(THRONG_SANITIZE)
  target_compile_options(throng_options INTERFACE "-fsanitize=${THRONG_SANITIZE}"
                         -fno-sanitize-recover=all)
  target_link_options(throng_options INTERFACE "-fsanitize=${THRONG_SANITIZE}")
  target_compile_definitions(throng_options INTERFACE THRONG_SANITIZED=1)
endif()
if(THRONG_BUILD_FUZZERS)  # libFuzzer sees only the branches of what is compiled so
  target_compile_options(throng_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(throng_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
