#include "benchmarks/bench_session.h"

#include <charconv>
#include <cstdlib>
#include <numeric>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fmt/format.h"
#include "query/executor.h"
#include "query/normalizer.h"
#include "query/parser.h"
#include "query/physical_plan.h"
#include "query/resolver.h"

namespace throng::bench {
namespace {

class NoIds final : public query::IdLookup {
 public:
  std::shared_ptr<const index::OrdinalSet> Lookup(const std::vector<std::string>&,
                                                  const std::vector<uint64_t>&,
                                                  uint64_t*) const override {
    return index::OrdinalSet::Builder().Build();
  }
};

template <typename T>
T Must(absl::StatusOr<T> result, std::string_view what) {
  MustBeOk(result.status(), what);
  return *std::move(result);
}

size_t Bytes(const index::BitmapShardRef& bitmap) {
  if (!bitmap) return 0;
  index::BitmapMemory memory;
  bitmap->AddMemory(nullptr, &memory);
  return memory.blocks() + memory.deltas;
}

}  // namespace

void MustBeOk(const absl::Status& status, std::string_view what) {
  if (status.ok()) return;
  fmt::print(stderr, "{}: {}\n", what, status.ToString());
  std::abort();
}

void IdFrames::Append(uint64_t id) {
  char text[20];
  const char* end = std::to_chars(text, text + sizeof(text), id).ptr;
  Append(std::string_view(text, static_cast<size_t>(end - text)));
}

void IdFrames::Flush() {
  constexpr size_t kStep = 61;
  for (size_t i = 0; i < frame_.size(); i += kStep) {
    checksum_ = checksum_ * 31 + static_cast<uint8_t>(frame_[i]);
  }
  bytes_ += frame_.size();
  frame_.clear();
}

query::LogicalPlan BenchSession::Logical(const std::string& text) const {
  const index::CatalogueView view(snapshot_->catalogue(), {});
  const query::Expression expression = Must(query::Parse(text, {}), text);
  auto resolved =
      Must(query::Resolve(expression, view, NoIds(), *query::MakeTimeContext("", 0)), text);
  return std::move(resolved.plan);
}

query::PhysicalPlan BenchSession::Physical(query::LogicalPlan plan) const {
  return query::MakePhysicalPlan(query::Normalize(std::move(plan), snapshot_->catalogue()),
                                 *snapshot_);
}

uint64_t BenchSession::Count(query::LogicalPlan plan) const {
  return Must(query::CountUsers(Physical(std::move(plan)), *snapshot_, parallel_, {}), "count");
}

void BenchSession::Execute(query::LogicalPlan plan, query::Collector& collector) const {
  MustBeOk(query::Execute(Physical(std::move(plan)), *snapshot_, parallel_, {}, collector),
           "execute");
}

std::shared_ptr<const index::OrdinalSet> BenchSession::Select(const std::string& text) const {
  query::SetCollector collector;
  Execute(Logical(text), collector);
  return collector.Build();
}

uint64_t BenchSession::Export(const std::string& text, IdFrames* frames) const {
  const std::shared_ptr<const index::OrdinalSet> users = Select(text);
  for (uint32_t chunk = 0; chunk < users->chunk_count(); ++chunk) {
    const index::ChunkSet set = users->chunk(chunk);
    if (set.empty()) continue;
    const index::IdChunk& ids = snapshot_->ids().chunk(chunk);
    if (ids.numeric()) {
      index::ForEach(set, [&](uint32_t offset) { frames->Append(ids.number(offset)); });
    } else {
      index::ForEach(set, [&](uint32_t offset) { frames->Append(ids.view(offset)); });
    }
  }
  frames->Flush();
  return users->cardinality();
}

uint32_t BenchSession::TagId(const std::string& tag) const {
  return snapshot_->catalogue().Find(tag)->definition.id;
}

uint64_t BenchSession::Breakdown(const std::string& text, const std::vector<std::string>& tags,
                                 std::vector<query::TagCounts>* counts) const {
  std::vector<uint32_t> ids;
  for (const std::string& tag : tags) ids.push_back(TagId(tag));
  query::BreakdownCollector collector(*snapshot_, ids);
  Execute(Logical(text), collector);
  *counts = collector.Finish();
  return collector.users();
}

query::TagStatistics BenchSession::Statistics(const std::string& text,
                                              const std::string& tag) const {
  query::StatisticsCollector collector(*snapshot_, {TagId(tag)});
  Execute(Logical(text), collector);
  return collector.Finish()[0];
}

size_t BenchSession::ValueBytes(const query::TagValues& values) const {
  size_t bytes = 0;
  for (uint32_t shard = 0; shard < snapshot_->shard_count(); ++shard) {
    const index::TagShard* content = snapshot_->shard(values.tag, shard);
    if (content == nullptr) continue;
    for (uint32_t code : values.codes) {
      if (code < content->values.size()) bytes += Bytes(content->values[code]);
    }
  }
  return bytes;
}

size_t BenchSession::OperandBytes(const query::LogicalPlan& plan) const {
  const auto sum = [&](const std::vector<query::LogicalPlan>& operands) {
    size_t bytes = 0;
    for (const query::LogicalPlan& operand : operands) bytes += OperandBytes(operand);
    return bytes;
  };
  if (const auto* node = std::get_if<query::LogicalAnd>(&plan.node)) return sum(node->operands);
  if (const auto* node = std::get_if<query::LogicalOr>(&plan.node)) return sum(node->operands);
  if (const auto* node = std::get_if<query::LogicalNot>(&plan.node)) return sum(node->operand);
  if (const auto* node = std::get_if<query::TagValues>(&plan.node)) return ValueBytes(*node);
  if (const auto* node = std::get_if<query::NumericRanges>(&plan.node)) {
    const index::MemoryUse use = index::MemoryOf(*snapshot_, node->tag);
    return use.columns() + use.column_deltas;
  }
  return 0;
}

size_t BenchSession::TagBytes(const std::vector<std::string>& tags) const {
  size_t bytes = 0;
  for (const std::string& tag : tags) {
    const index::TagEntry& entry = *snapshot_->catalogue().Find(tag);
    const index::MemoryUse use = index::MemoryOf(*snapshot_, entry.definition.id);
    if (use.columns() > 0) {
      bytes += use.columns() + use.column_deltas;
      continue;
    }
    query::TagValues all{.tag = entry.definition.id};
    all.codes.resize(entry.values->size());
    std::iota(all.codes.begin(), all.codes.end(), 0u);
    bytes += ValueBytes(all);
  }
  return bytes;
}

}  // namespace throng::bench
