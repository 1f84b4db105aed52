// Feeds any text to the decoders of the tokens that clients hand back, and tokens made of any bytes
// with a right checksum: what decodes must encode to the same text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/escaping.h"
#include "fuzz/require.h"
#include "index/id_hash.h"
#include "server/engine/member_page_token.h"
#include "server/engine/package_token.h"
#include "server/engine/token_bytes.h"
#include "server/service/page_token.h"
#include "server/service/request_fingerprint.h"
#include "server/service/resource_name.h"

namespace {

using throng::fuzz::Require;

void CheckText(std::string_view text) {
  if (const auto token = throng::engine::DecodeMemberPageToken(text); token.ok()) {
    const std::string again = throng::engine::EncodeMemberPageToken(*token);
    Require(throng::engine::DecodeMemberPageToken(again).ok(), "a page token of one way", text);
  }
  if (const auto token = throng::engine::DecodePackageToken(text); token.ok()) {
    const std::string again = throng::engine::EncodePackageToken(*token);
    Require(throng::engine::DecodePackageToken(again).ok(), "a package token of one way", text);
  }
  static_cast<void>(throng::service::DecodePageToken(text, 0));
}

// As a client that knows how they are made would forge one.
std::string Sealed(std::string_view body, uint64_t checksum) {
  std::string bytes(body);
  throng::engine::AppendNumber(checksum, &bytes);
  return absl::WebSafeBase64Escape(bytes);
}

void CheckNames(std::string_view text) {
  using namespace throng::service;  // NOLINT: the subject of this function
  if (const auto name = ParseTagName(text, "name"); name.ok()) {
    Require(FormatTagName(name->population, name->tag) == text, "a tag's name", text);
  }
  if (const auto name = ParseCrowdName(text, "name"); name.ok()) {
    Require(FormatCrowdName(name->population, name->crowd) == text, "a crowd's name", text);
  }
  if (const auto name = ParseCrowdVersionName(text, "name"); name.ok()) {
    Require(FormatCrowdVersionName(name->population, name->crowd, name->version) == text,
            "a version's name", text);
  }
  if (const auto name = ParseUploadName(text, "name"); name.ok()) {
    Require(FormatUploadName(name->population, name->crowd, name->version) == text,
            "an upload's name", text);
  }
  if (const auto name = ParsePackageName(text, "name"); name.ok()) {
    Require(FormatPackageName(name->population, name->package) == text, "a package's name", text);
  }
  static_cast<void>(ParseSplitName(text, "name"));
  static_cast<void>(ParsePopulationNameOrDefault(text, "name"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckText(text);
  CheckText(Sealed(text, throng::index::IdHash(text)));
  CheckNames(text);
  const std::string page = Sealed(text, throng::service::Fingerprint(text));
  static_cast<void>(throng::service::DecodePageToken(page, 0));
  const auto position =
      throng::service::DecodePageToken(throng::service::EncodePageToken(size, text), size);
  Require(!position.ok() || *position == text, "a page token of another position", text);
  return 0;
}
