# The gRPC services, and throngd.
add_library(throng_service STATIC
  service/access_rules.cc
  service/admission.cc
  service/audit_failures.cc
  service/admin_service.cc
  service/call_id.cc
  service/call_metrics.cc
  service/call_pools.cc
  service/calls.cc
  service/check_stream.cc
  service/connection_listener.cc
  service/convert_batch.cc
  service/convert_compare.cc
  service/convert_cross_tab.cc
  service/convert_crowd.cc
  service/convert_curve.cc
  service/convert_expression.cc
  service/convert_identity.cc
  service/convert_membership.cc
  service/convert_overlap.cc
  service/convert_package.cc
  service/convert_result.cc
  service/convert_sample.cc
  service/convert_selection.cc
  service/convert_split.cc
  service/convert_statistics.cc
  service/convert_stats.cc
  service/convert_tag.cc
  service/convert_time.cc
  service/convert_upload.cc
  service/convert_user.cc
  service/convert_value.cc
  service/convert_why.cc
  service/crowd_service.cc
  service/daemon.cc
  service/engine_gate.cc
  service/engine_metrics.cc
  service/export_framer.cc
  service/field_path.cc
  service/guarded_call.cc
  service/insight_service.cc
  service/listen_address.cc
  service/load_metrics.cc
  service/membership_service.cc
  service/message_codec.cc
  service/message_fields.cc
  service/methods.cc
  service/metrics_endpoint.cc
  service/minimum_count.cc
  service/minimum_rules.cc
  service/noted_request.cc
  service/overload_state.cc
  service/package_service.cc
  service/page_token.cc
  service/population_service.cc
  service/process_metrics.cc
  service/protection_metrics.cc
  service/reloader.cc
  service/request_fingerprint.cc
  service/resource_name.cc
  service/retry_hint.cc
  service/selection_service.cc
  service/server.cc
  service/split_service.cc
  service/server_tls.cc
  service/slow_call.cc
  service/status_mapping.cc
  service/stream_call.cc
  service/tag_service.cc
  service/unary_call.cc
  service/upload_call.cc
  service/upload_service.cc
  service/user_service.cc
  service/withhold.cc
  service/withhold_breakdown.cc
  service/withhold_cross_tab.cc
  service/withhold_crowds.cc
  service/withhold_numbers.cc
  service/withhold_statistics.cc
  service/worker_pool.cc
)
add_library(throng::service ALIAS throng_service)
set_source_files_properties(service/admin_service.cc service/engine_metrics.cc PROPERTIES
                            COMPILE_DEFINITIONS THRONG_VERSION="${PROJECT_VERSION}")
target_include_directories(throng_service SYSTEM PRIVATE "${XXHASH_INCLUDE_DIR}")
target_link_libraries(throng_service
  PUBLIC throng::access throng::engine throng_proto gRPC::grpc++ prometheus-cpp::pull absl::status
         absl::statusor
  PRIVATE throng_options gRPC::grpc++_reflection gRPC::grpcpp_channelz fmt::fmt spdlog::spdlog
          absl::strings absl::time)
throng_precompile(throng_service
  <grpcpp/grpcpp.h>
  <absl/time/time.h>
  <fmt/format.h>
  ${throng_api_headers})

# The files of the API, so that a call without a rule is seen.
set_source_files_properties(service/methods.cc PROPERTIES COMPILE_DEFINITIONS
  "THRONG_PROTOS=\"$<JOIN:$<TARGET_PROPERTY:throng_proto,THRONG_PROTOS>, >\"")

# Fails the build when a call has no rule, or a rule no call.
add_executable(check_access_rules service/access_rules.cc service/check_access_rules.cc
               service/message_fields.cc service/methods.cc service/minimum_rules.cc)
target_link_libraries(check_access_rules
  PRIVATE throng_options "$<LINK_LIBRARY:WHOLE_ARCHIVE,throng_proto>" throng::access fmt::fmt)
add_custom_command(OUTPUT access_rules.checked
  COMMAND check_access_rules
  COMMAND "${CMAKE_COMMAND}" -E touch access_rules.checked
  DEPENDS check_access_rules
  COMMENT "Checking that every call of the API has a rule"
  VERBATIM)
add_custom_target(access_rules_checked DEPENDS access_rules.checked)

add_executable(throngd main.cc import_command.cc offline_commands.cc settings.cc token_command.cc)
add_dependencies(throngd access_rules_checked)
target_link_libraries(throngd
  PRIVATE throng_options throng::service throng::storage throng_cli_lib CLI11::CLI11 fmt::fmt
          nlohmann_json::nlohmann_json spdlog::spdlog tomlplusplus::tomlplusplus)
target_compile_definitions(throngd PRIVATE THRONG_VERSION="${PROJECT_VERSION}")
set_target_properties(throngd PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
