#include "server/service/convert_stats.h"

#include <optional>
#include <string>

#include "index/error.h"
#include "server/service/convert_tag.h"
#include "server/service/convert_time.h"
#include "server/service/resource_name.h"

namespace throng::service {
namespace {

void WriteStateToProto(const storage::WriteState& state, v1::WriteState* proto) {
  proto->set_writable(state.error.ok());
  proto->set_resume_attempts(state.resume_attempts);
  if (state.error.ok()) return;
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(state.error);
  if (detail.has_value()) proto->set_reason(detail->reason);
  proto->set_message(std::string(state.error.message()));
  UnixMicrosToProto(state.since_us, proto->mutable_since());
}

void BlocksToProto(const index::BlockUse& blocks, v1::BlockStats* proto) {
  proto->set_count(blocks.count);
  proto->set_bytes(blocks.bytes);
}

void MemoryToProto(const index::MemoryUse& memory, v1::MemoryStats* proto) {
  const index::BitmapMemory& bitmaps = memory.bitmaps;
  proto->set_bitmap_blocks(bitmaps.blocks());
  proto->set_bitmap_deltas(bitmaps.deltas);
  proto->set_bitmap_overhead(bitmaps.overhead);
  proto->set_columns(memory.columns());
  proto->set_column_deltas(memory.column_deltas);
  proto->set_dictionary(memory.ids + memory.linked_ids);
  proto->set_value_dictionaries(memory.value_dictionaries);
  proto->set_code_columns(memory.code_columns);
  proto->set_linked_ids(memory.linked_ids);
  BlocksToProto(bitmaps.arrays, proto->mutable_arrays());
  BlocksToProto(bitmaps.bitsets, proto->mutable_bitsets());
  BlocksToProto(bitmaps.runs, proto->mutable_runs());
  BlocksToProto(bitmaps.full, proto->mutable_full());
  BlocksToProto(bitmaps.small, proto->mutable_small());
  proto->set_total(memory.total());
}

void TagStatsToProto(const engine::TagStats& stats, v1::TagStats* proto) {
  proto->set_user_count(stats.user_count);
  proto->set_value_count(stats.value_count);
  MemoryToProto(stats.memory, proto->mutable_memory());
}

void MemoryToProto(const engine::PopulationStats& stats, v1::PopulationStats* proto) {
  MemoryToProto(stats.memory, proto->mutable_memory());
  v1::OlderVersions* older = proto->mutable_older_versions();
  older->set_count(stats.older_versions.count);
  older->set_oldest_version(stats.older_versions.oldest_version);
  DurationToProto(stats.older_versions.oldest_age, older->mutable_oldest_age());
  older->set_bytes(stats.older_versions.bytes);
  TagStatsToProto(stats.universe, proto->mutable_universe());
  for (const engine::TagStats& tag : stats.tags) {
    v1::TagStats* added = proto->add_tags();
    added->set_tag(FormatTagName(stats.name, tag.tag));
    added->set_type(TagTypeToProto(tag.type));
    TagStatsToProto(tag, added);
  }
}

void PopulationToProto(const engine::PopulationStats& stats, v1::PopulationStats* proto) {
  proto->set_population(FormatPopulationName(stats.name));
  proto->set_user_count(stats.user_count);
  proto->set_tag_count(stats.tag_count);
  proto->set_data_version(stats.data_version);
  proto->set_folded_version(stats.folded_version);
  proto->set_log_bytes(stats.log_bytes);
  if (stats.last_fold.has_value())
    DurationToProto(*stats.last_fold, proto->mutable_last_fold_time());
  proto->mutable_commits()->set_count(stats.commits.count);
  DurationToProto(stats.commits.mean(), proto->mutable_commits()->mutable_mean_time());
  DurationToProto(stats.commits.longest, proto->mutable_commits()->mutable_max_time());
  MemoryToProto(stats, proto);
  proto->set_leased_versions(stats.leased_versions);
  proto->set_oldest_leased_version(stats.oldest_leased_version);
}

}  // namespace

void StatsToProto(const engine::ServerStats& stats, v1::ServerStats* proto) {
  DurationToProto(stats.uptime, proto->mutable_uptime());
  WriteStateToProto(stats.write_state, proto->mutable_write_state());
  for (const engine::PopulationStats& population : stats.populations) {
    PopulationToProto(population, proto->add_populations());
  }
}

void BackupToProto(const storage::BackupInfo& backup, v1::Backup* proto) {
  proto->set_name("backups/" + backup.name);
  proto->set_damage(backup.damage);
  if (!backup.damage.empty()) return;
  UnixMicrosToProto(backup.created_us, proto->mutable_create_time());
  proto->set_size_bytes(backup.bytes);
  for (const storage::BackedUpPopulation& population : backup.populations) {
    v1::BackedUpPopulation* added = proto->add_populations();
    added->set_population(FormatPopulationName(population.name));
    added->set_data_version(population.data_version);
    added->set_user_count(population.user_count);
  }
}

}  // namespace throng::service
