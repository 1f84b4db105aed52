#include "server/engine/split_definition.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

#include "fmt/format.h"
#include "index/id_hash.h"
#include "storage/codec.h"

namespace throng::engine {
namespace {

constexpr uint8_t kFormat = 1;
constexpr size_t kSaltBytesMax = 4'096;

// Whether the ranges are as ArmDefinition says.
bool AreRanges(const std::vector<BucketRange>& ranges) {
  uint32_t end = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].from >= ranges[i].to || ranges[i].to > index::kBuckets) return false;
    if (i > 0 && ranges[i].from <= end) return false;
    end = ranges[i].to;
  }
  return !ranges.empty();
}

}  // namespace

std::string_view ArmRoleName(ArmRole role) {
  switch (role) {
    case ArmRole::kArm:
      return "ARM";
    case ArmRole::kHoldout:
      return "HOLDOUT";
  }
  return "UNKNOWN";
}

uint32_t ArmDefinition::buckets() const {
  return std::accumulate(ranges.begin(), ranges.end(), uint32_t{0},
                         [](uint32_t sum, const BucketRange& range) { return sum + range.size(); });
}

std::vector<BucketRange> PartitionBuckets(std::span<const uint32_t> weights, uint32_t buckets) {
  const uint64_t sum = std::accumulate(weights.begin(), weights.end(), uint64_t{0});
  std::vector<uint32_t> sizes;
  std::vector<size_t> order(weights.size());
  std::iota(order.begin(), order.end(), size_t{0});
  uint32_t left = buckets;
  for (const uint32_t weight : weights) {
    sizes.push_back(static_cast<uint32_t>(uint64_t{weight} * buckets / sum));
    left -= sizes.back();
  }
  const auto remainder = [&](size_t i) { return uint64_t{weights[i]} * buckets % sum; };
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return remainder(a) > remainder(b); });
  for (size_t i = 0; i < left; ++i) ++sizes[order[i]];
  std::vector<BucketRange> ranges;
  uint32_t from = 0;
  for (const uint32_t size : sizes) {
    ranges.push_back({from, from + size});
    from += size;
  }
  return ranges;
}

ArmDefinition Winning(ArmDefinition arm) {
  arm.won = true;
  if (arm.ranges.back().to == arm.share) {
    arm.ranges.back().to = index::kBuckets;
  } else {
    arm.ranges.push_back({arm.share, index::kBuckets});
  }
  return arm;
}

std::string EncodeArm(const ArmDefinition& arm) {
  storage::ByteWriter out;
  out.U8(kFormat);
  out.Text(arm.split);
  out.Text(arm.arm);
  out.U8(static_cast<uint8_t>(arm.role));
  out.Varint(arm.position);
  out.Varint(arm.weight);
  out.Varint(arm.share);
  out.Varint(arm.source);
  out.Text(arm.salt);
  out.U8(arm.won ? 1 : 0);
  out.Varint(arm.ranges.size());
  for (const BucketRange& range : arm.ranges) {
    out.Varint(range.from);
    out.Varint(range.to);
  }
  return out.Take();
}

absl::StatusOr<ArmDefinition> DecodeArm(const index::CrowdDefinition& definition) {
  storage::ByteReader in(definition.details);
  ArmDefinition arm;
  const uint8_t format = in.U8();
  arm.split = in.Text(index::kCrowdNameBytesMax);
  arm.arm = in.Text(index::kCrowdNameBytesMax);
  const uint8_t role = in.U8();
  arm.role = static_cast<ArmRole>(role);
  arm.position = in.Varint32();
  arm.weight = in.Varint32();
  arm.share = static_cast<uint32_t>(in.Varint(index::kBuckets));
  arm.source = in.Varint32();
  arm.salt = in.Text(kSaltBytesMax);
  const uint8_t won = in.U8();
  arm.won = won != 0;
  const size_t ranges = in.Count(2);
  for (size_t i = 0; i < ranges && in.ok(); ++i) {
    const uint32_t from = in.Varint32();
    arm.ranges.push_back({from, in.Varint32()});
  }
  const bool is_arm = in.Done() && format == kFormat && (role == 1 || role == 2) && won <= 1 &&
                      AreRanges(arm.ranges);
  if (is_arm && definition.kind == index::CrowdKind::kSplit) return arm;
  return absl::DataLossError(
      fmt::format("what crowd \"{}\" is an arm of cannot be read", definition.name));
}

query::Expression ArmExpression(const ArmDefinition& arm, std::string_view source) {
  const auto bucket = [&](const BucketRange& range) {
    return query::Expression{query::Bucket{.salt = arm.salt, .from = range.from, .to = range.to}};
  };
  query::And both;
  both.operands.push_back({query::CrowdRef{.name = std::string(source)}});
  if (arm.ranges.size() == 1) {
    both.operands.push_back(bucket(arm.ranges.front()));
  } else {
    query::Or any;
    for (const BucketRange& range : arm.ranges) any.operands.push_back(bucket(range));
    both.operands.push_back({std::move(any)});
  }
  return {std::move(both)};
}

}  // namespace throng::engine
