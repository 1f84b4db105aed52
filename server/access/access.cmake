# Who may call, what is noted of it, and the files these are kept in: no gRPC, no protos.
add_library(throng_access STATIC
  access/access_control.cc
  access/access_file.cc
  access/access_file_io.cc
  access/access_list.cc
  access/audit_log.cc
  access/certificate_files.cc
  access/file_bytes.cc
  access/json_line.cc
  access/log_text.cc
  access/rights.cc
  access/token.cc
)
add_library(throng::access ALIAS throng_access)
target_link_libraries(throng_access
  PUBLIC throng::index absl::status absl::statusor
  PRIVATE throng_options fmt::fmt OpenSSL::Crypto spdlog::spdlog tomlplusplus::tomlplusplus)
