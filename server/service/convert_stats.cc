#include "server/service/convert_stats.h"

#include <optional>
#include <string>

#include "index/error.h"
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

void MemoryToProto(const index::MemoryUse& memory, v1::MemoryStats* proto) {
  proto->set_bitmap_blocks(memory.bitmap_blocks);
  proto->set_bitmap_deltas(memory.bitmap_deltas);
  proto->set_bitmap_overhead(memory.bitmap_overhead);
  proto->set_columns(memory.columns);
  proto->set_column_deltas(memory.column_deltas);
  proto->set_dictionary(memory.dictionary);
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
  MemoryToProto(stats.memory, proto->mutable_memory());
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
