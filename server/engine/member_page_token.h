// Where the next page of a list of members starts, as opaque text.
//
//   std::string text = EncodeMemberPageToken({.data_version = 7, ...});
//   absl::StatusOr<MemberPageToken> token = DecodeMemberPageToken(text);
//
// All pages of a list read one data version at one reference time, which the token carries. A
// checksum refuses damaged tokens; it is no signature: a forged one reads nothing that its sender
// could not ask for. Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_MEMBER_PAGE_TOKEN_H_
#define THRONG_SERVER_ENGINE_MEMBER_PAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace throng::engine {

// A value; thread-compatible.
struct MemberPageToken {
  uint64_t data_version = 0;
  uint64_t next_ordinal = 0;
  int64_t reference_us = 0;
  uint64_t total = 0;  // members on all pages
  uint64_t list = 0;   // MemberListHash of the selection
};

// Tells one list from another: the population, what is selected, and in which zone. Thread-safe,
// like all here.
uint64_t MemberListHash(std::string_view population, std::string_view canonical_expression,
                        std::string_view time_zone);

std::string EncodeMemberPageToken(const MemberPageToken& token);

// Errors: kInvalidArgument (BAD_PAGE_TOKEN) when EncodeMemberPageToken did not make it.
absl::StatusOr<MemberPageToken> DecodeMemberPageToken(std::string_view text);

// kInvalidArgument (BAD_PAGE_TOKEN) at "page_token".
absl::Status BadPageToken(std::string_view message);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_MEMBER_PAGE_TOKEN_H_
