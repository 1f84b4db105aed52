#include "cli/connection.h"

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/client_interceptor.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace throng::cli {
namespace {

constexpr std::streamsize kFileBytesMax = 4 << 20;
constexpr size_t kTokenBytesMax = 4'096;

absl::Status Wrong(std::string_view flag, std::string_view message) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", flag, message));
}

absl::StatusOr<std::string> ReadFile(std::string_view flag, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Wrong(flag, fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  std::string bytes(static_cast<size_t>(kFileBytesMax) + 1, '\0');
  file.read(bytes.data(), kFileBytesMax + 1);
  if (file.bad() || (file.gcount() == 0 && !file.eof())) {
    return Wrong(flag, fmt::format("cannot read {}", path));
  }
  if (file.gcount() > kFileBytesMax) return Wrong(flag, fmt::format("{} is too long", path));
  bytes.resize(static_cast<size_t>(file.gcount()));
  return bytes;
}

// Empty for an empty path.
absl::StatusOr<std::string> ReadPem(std::string_view flag, const std::string& path,
                                    std::string_view what) {
  if (path.empty()) return std::string();
  absl::StatusOr<std::string> pem = ReadFile(flag, path);
  if (!pem.ok()) return pem;
  const size_t begin = pem->find("-----BEGIN ");
  const std::string_view label =
      begin == std::string::npos ? std::string_view() : std::string_view(*pem).substr(begin);
  if (label.find(what) != std::string_view::npos) return pem;
  return Wrong(flag, fmt::format("{} holds no {}: it must be PEM, with -----BEGIN", path, what));
}

std::string Trimmed(std::string text) {
  const char* kSpace = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, std::min(text.find_first_not_of(kSpace), text.size()));
  return text;
}

bool IsLoopback(std::string_view server) {
  const std::string_view host = server.substr(0, server.rfind(':'));
  in_addr address{};
  const bool is_number = inet_pton(AF_INET, std::string(host).c_str(), &address) == 1;
  return host == "localhost" || host == "[::1]" ||
         (is_number && (ntohl(address.s_addr) >> 24) == 127);
}

// --token-file before THRONG_TOKEN.
absl::StatusOr<std::string> ReadToken(const GlobalOptions& options, bool tls) {
  std::string_view source = "THRONG_TOKEN";
  std::string token = options.token;
  if (!options.token_file.empty()) {
    source = "--token-file";
    absl::StatusOr<std::string> text = ReadFile(source, options.token_file);
    if (!text.ok()) return text.status();
    token = Trimmed(*std::move(text));
    if (token.empty()) return Wrong(source, fmt::format("{} is empty", options.token_file));
  }
  if (token.empty()) return token;
  const bool is_token =
      token.size() <= kTokenBytesMax &&
      std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (!is_token) return Wrong(source, "it is no token: one word, as `throngd token create` prints");
  if (tls || IsLoopback(options.server)) return token;
  return Wrong(source,
               fmt::format("the token would go to {} in the clear: give --tls-ca (or --tls)",
                           options.server));
}

// Says with every call who makes it.
class TokenInterceptor final : public grpc::experimental::Interceptor {
 public:
  explicit TokenInterceptor(const std::string& header) : header_(header) {}
  void Intercept(grpc::experimental::InterceptorBatchMethods* batch) override {
    if (batch->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_INITIAL_METADATA)) {
      batch->GetSendInitialMetadata()->emplace("authorization", header_);
    }
    batch->Proceed();
  }

 private:
  const std::string& header_;  // of the factory, which the channel keeps
};

class TokenInterceptorFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  explicit TokenInterceptorFactory(std::string_view token)
      : header_(fmt::format("Bearer {}", token)) {}
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo*) override {
    return new TokenInterceptor(header_);  // gRPC deletes it with the call
  }

 private:
  const std::string header_;
};

}  // namespace

absl::StatusOr<ConnectionSecrets> ReadSecrets(const GlobalOptions& options) {
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return Wrong(options.tls_key.empty() ? "--tls-cert" : "--tls-key",
                 "--tls-cert and --tls-key go together: give both");
  }
  ConnectionSecrets secrets{.tls = options.tls || !options.tls_ca.empty() ||
                                   !options.tls_cert.empty() || !options.tls_server_name.empty(),
                            .server_name = options.tls_server_name};
  const auto read = [](std::string_view flag, const std::string& path, std::string_view what,
                       std::string* pem) {
    absl::StatusOr<std::string> text = ReadPem(flag, path, what);
    if (text.ok()) *pem = *std::move(text);
    return text.status();
  };
  absl::Status status = read("--tls-ca", options.tls_ca, "CERTIFICATE", &secrets.roots);
  status.Update(read("--tls-cert", options.tls_cert, "CERTIFICATE", &secrets.certificate));
  status.Update(read("--tls-key", options.tls_key, "PRIVATE KEY", &secrets.key));
  if (!status.ok()) return status;
  absl::StatusOr<std::string> token = ReadToken(options, secrets.tls);
  if (!token.ok()) return token.status();
  secrets.token = *std::move(token);
  return secrets;
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& server,
                                           const ConnectionSecrets& secrets,
                                           grpc::ChannelArguments arguments) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (secrets.tls) {
    credentials = grpc::SslCredentials({.pem_root_certs = secrets.roots,
                                        .pem_private_key = secrets.key,
                                        .pem_cert_chain = secrets.certificate});
    if (!secrets.server_name.empty()) arguments.SetSslTargetNameOverride(secrets.server_name);
  }
  if (secrets.token.empty()) return grpc::CreateCustomChannel(server, credentials, arguments);
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> creators;
  creators.push_back(std::make_unique<TokenInterceptorFactory>(secrets.token));
  return grpc::experimental::CreateCustomChannelWithInterceptors(server, credentials, arguments,
                                                                 std::move(creators));
}

std::string_view ConnectionRemedy(std::string_view message) {
  struct Row {
    std::string_view words;
    std::string_view remedy;
  };
  static constexpr Row kRows[] = {
      {"WRONG_VERSION_NUMBER",
       "the server does not speak TLS: leave --tls-ca and the other TLS options out"},
      {"CERTIFICATE_VERIFY_FAILED",
       "its certificate is not of an authority in --tls-ca, or has expired"},
      {"Hostname Verification Check failed",
       "its certificate has another name: give that as --tls-server-name"},
      {"Peer name", "its certificate has another name: give that as --tls-server-name"},
      {"Socket closed", "it may want TLS (--tls-ca), or a client certificate (--tls-cert)"},
      {"Connection reset", "it may want TLS (--tls-ca), or a client certificate (--tls-cert)"},
  };
  const auto* row = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& candidate) {
    return message.find(candidate.words) != std::string_view::npos;
  });
  return row == std::end(kRows) ? std::string_view() : row->remedy;
}

}  // namespace throng::cli
