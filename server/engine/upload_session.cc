// Taking ids in, and what is counted of them. What makes a version is in upload_commit.cc.
#include "server/engine/upload_session.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "index/error.h"
#include "index/id_fault.h"
#include "index/id_hash.h"
#include "server/engine/uploads.h"

namespace throng::engine {
namespace {

constexpr size_t kFrameBytesMax = size_t{64} << 20;

// Chains hashes, so that the order counts.
uint64_t Chained(uint64_t chain, uint64_t hash) {
  return (std::rotl(chain, 29) ^ hash) * 0x9E3779B97F4A7C15;
}

absl::Status TooManyIds(uint64_t limit, uint64_t requested, std::string_view what) {
  return index::WithField(index::LimitExceeded(absl::StatusCode::kInvalidArgument, "TOO_MANY_IDS",
                                               what, limit, requested),
                          "ids");
}

absl::Status CheckTexts(const TextsView& texts) {
  const bool ascends = std::is_sorted(texts.ends.begin(), texts.ends.end());
  const size_t end = texts.ends.empty() ? 0 : texts.ends.back();
  if (ascends && end == texts.data.size()) return absl::OkStatus();
  return index::InvalidArgument("BAD_TEXTS", "ids.texts",
                                "the ends do not ascend to the length of the data");
}

}  // namespace

UploadSession::UploadSession(Crowds& crowds, storage::SpillBudget& spill,
                             std::shared_ptr<Universe> universe, index::SnapshotRef snapshot,
                             const index::IdTypeDefinition* type, UploadRequest request,
                             const WriteOptions& options)
    : crowds_(crowds),
      universe_(std::move(universe)),
      snapshot_(std::move(snapshot)),
      type_(type),
      request_(std::move(request)),
      options_(options),
      record_{.mode = request_.mode,
              .keeps_unknown = request_.keep_unknown,
              .id_type = type == nullptr ? "" : type->name,
              .start_us = universe_->now_us()},
      unknown_(universe_->store().directory(), spill),
      frame_(*snapshot_, type_, universe_->parallel()) {}

absl::Status UploadSession::Add(const CallContext& context, const UploadIds& ids) {
  THRONG_RETURN_IF_ERROR(context.Check());
  const auto* numbers = std::get_if<std::span<const uint64_t>>(&ids);
  const size_t count = numbers != nullptr ? numbers->size() : std::get<TextsView>(ids).ends.size();
  if (count > kUploadFrameIdsMax) {
    return TooManyIds(kUploadFrameIdsMax, count, "the number of ids in a frame");
  }
  if (record_.received + count > storage::kUploadReceivedMax) {
    return TooManyIds(storage::kUploadReceivedMax, record_.received + count, "the number of ids");
  }
  if (numbers == nullptr) return AddTexts(std::get<TextsView>(ids));
  frame_.LookUp(*numbers);
  return TakeFrame(count);
}

absl::Status UploadSession::AddTexts(const TextsView& texts) {
  THRONG_RETURN_IF_ERROR(CheckTexts(texts));
  if (texts.data.size() > kFrameBytesMax) {
    return TooManyIds(kFrameBytesMax, texts.data.size(), "the number of bytes in a frame");
  }
  frame_.LookUp(texts);
  return TakeFrame(texts.ends.size());
}

absl::Status UploadSession::TakeFrame(size_t ids) {
  absl::Status status;
  frame_.ForEach([&](uint64_t hash, uint32_t user) { TakeUser(hash, user); },
                 [&](uint64_t hash, std::string_view id) {
                   if (status.ok()) status = TakeUnknown(hash, id);
                 },
                 [&](uint32_t place, index::IdFault fault, std::string_view text) {
                   Refuse(record_.received + place + 1, fault, text);
                 });
  record_.received += ids;
  return status;
}

void UploadSession::TakeUser(uint64_t hash, uint32_t user) {
  valid_hash_ = Chained(valid_hash_, hash);
  ++known_;
  users_.Add(user);
}

absl::Status UploadSession::TakeUnknown(uint64_t hash, std::string_view id) {
  valid_hash_ = Chained(valid_hash_, hash);
  return unknown_.Add(hash, id);
}

void UploadSession::Refuse(uint64_t position, index::IdFault fault, std::string_view text) {
  ++record_.invalid;
  refused_hash_ = Chained(Chained(refused_hash_, index::IdHash(text)), position);
  if (refused_.size() >= storage::kUploadRefusedMax) return;
  refused_.push_back({.position = position,
                      .fault = fault,
                      .text = std::string(text.substr(0, storage::kUploadRefusedBytesMax))});
}

// Kept for a day with the request id. The content is in it, not the frames that it came in.
RequestKey UploadSession::KeyOf(const CallContext& context) const {
  uint64_t hash = options_.payload_hash;
  for (const uint64_t part : {valid_hash_, refused_hash_, record_.received}) {
    hash = Chained(hash, part);
  }
  return MakeRequestKey(context, kUploadMethod, options_.request_id, hash);
}

absl::StatusOr<std::optional<UploadInfo>> UploadSession::AnswerOfFirst(
    const CallContext& context, const RequestKey& key) const {
  THRONG_ASSIGN_OR_RETURN(const std::optional<std::string> first, FindAnswer(*universe_, key));
  if (!first.has_value()) return std::nullopt;
  // What it answers is durable once this returns.
  THRONG_RETURN_IF_ERROR(
      universe_->Commit([](const auto&, auto*) { return absl::OkStatus(); }).status());
  THRONG_ASSIGN_OR_RETURN(UploadInfo upload, DecodeUploadAnswer(context, *first, *universe_));
  return std::make_optional(std::move(upload));
}

absl::StatusOr<UploadInfo> UploadSession::Finish(const CallContext& context) {
  THRONG_RETURN_IF_ERROR(context.Check());
  const RequestKey key = KeyOf(context);
  THRONG_ASSIGN_OR_RETURN(std::optional<UploadInfo> first, AnswerOfFirst(context, key));
  if (first.has_value()) return *std::move(first);
  THRONG_ASSIGN_OR_RETURN(record_.unknown, unknown_.Settle());
  record_.matched = users_.count();
  record_.duplicate = known_ - users_.count() + unknown_.added() - record_.unknown;
  return Compute(context, key);
}

}  // namespace throng::engine
