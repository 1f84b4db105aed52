#include "server/service/call_id.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <iterator>

#include "fmt/format.h"

namespace throng::service {
namespace {

bool IsFit(std::string_view id) {
  constexpr std::string_view kSigns = "-._:/+=@";
  return !id.empty() && id.size() <= kCallIdBytesMax &&
         std::all_of(id.begin(), id.end(), [&](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  kSigns.find(c) != std::string_view::npos;
         });
}

}  // namespace

std::string NewCallNumber() {
  // Calls of one process are numbered; the first part tells processes apart.
  static const auto started = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  static std::atomic<uint64_t> calls{0};
  return fmt::format("{:x}-{}", started.count(), calls.fetch_add(1) + 1);
}

std::string CallIdOf(const grpc::CallbackServerContext& context) {
  const auto [first, end] = context.client_metadata().equal_range(kCallIdKey);
  if (first != end && std::next(first) == end) {
    const std::string_view id(first->second.data(), first->second.size());
    if (IsFit(id)) return std::string(id);
  }
  return NewCallNumber();
}

void ReturnCallId(std::string_view id, grpc::CallbackServerContext* context) {
  context->AddTrailingMetadata(kCallIdKey, std::string(id));
}

}  // namespace throng::service
