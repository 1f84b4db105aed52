// Pages of the lists that the services cut themselves: sizes and opaque tokens.
//
//   absl::StatusOr<Page> page = ToPage(request, kTagPageDefault, kTagPageMax);
//   std::vector<const TagInfo*> shown = CutPage(tags, *page, NameOf, IsBehind,
//                                               response->mutable_next_page_token());
//
// A token holds a version, the fingerprint of the list it belongs to, a position in it (the last
// entry given, so that entries that come and go move no page) and a checksum. Thread-safe.
#ifndef THRONG_SERVER_SERVICE_PAGE_TOKEN_H_
#define THRONG_SERVER_SERVICE_PAGE_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "index/error.h"
#include "server/service/request_fingerprint.h"

namespace throng::service {

std::string EncodePageToken(uint64_t list, std::string_view position);

// The position; empty for an empty token: the first page.
// Errors: kInvalidArgument (BAD_PAGE_TOKEN) at "page_token": damaged, or of another list.
absl::StatusOr<std::string> DecodePageToken(std::string_view token, uint64_t list);

// 0 means `standard`; what is over `most` is `most`.
// Errors: kInvalidArgument (BAD_PAGE_SIZE) at "page_size" for a negative one.
absl::StatusOr<uint32_t> PageSize(int32_t requested, uint32_t standard, uint32_t most);

// Which page of which list is asked for. A value; thread-compatible.
struct Page {
  uint64_t list = 0;
  std::string after;  // the last entry of the page before; empty: the first page
  uint32_t size = 0;
};

// For any request with page_size and page_token. Errors: kInvalidArgument (BAD_PAGE_SIZE,
// BAD_PAGE_TOKEN).
template <typename Request>
absl::StatusOr<Page> ToPage(const Request& request, uint32_t standard, uint32_t most) {
  Page page;
  page.list = RequestFingerprint(request, {"page_size", "page_token"});
  THRONG_ASSIGN_OR_RETURN(page.size, PageSize(request.page_size(), standard, most));
  THRONG_ASSIGN_OR_RETURN(page.after, DecodePageToken(request.page_token(), page.list));
  return page;
}

// The entries of the page, which point into `entries`, and the token of the next one, if any.
// `entries` are in the list's order; position(entry) is an entry's place and is_behind(entry,
// place) whether it comes after one.
template <typename Entry, typename Position, typename IsBehind>
std::vector<const Entry*> CutPage(const std::vector<Entry>& entries, const Page& page,
                                  const Position& position, const IsBehind& is_behind,
                                  std::string* next_page_token) {
  std::vector<const Entry*> shown;
  for (const Entry& entry : entries) {
    if (!page.after.empty() && !is_behind(entry, page.after)) continue;
    if (shown.size() == page.size) {
      *next_page_token = EncodePageToken(page.list, position(*shown.back()));
      break;
    }
    shown.push_back(&entry);
  }
  return shown;
}

}  // namespace throng::service

#endif  // THRONG_SERVER_SERVICE_PAGE_TOKEN_H_
