#include "storage/verify.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "fmt/format.h"
#include "index/error.h"
#include "rocksdb/sst_file_reader.h"
#include "storage/catalogue_codec.h"
#include "storage/crowd_loader.h"
#include "storage/database.h"
#include "storage/directory_lock.h"
#include "storage/envelope.h"
#include "storage/findings.h"
#include "storage/population_loader.h"
#include "storage/rocks_options.h"
#include "storage/rocks_status.h"
#include "storage/snapshot_check.h"

namespace throng::storage {
namespace {

namespace fs = std::filesystem;

// A place behind `key` from which to go on when what follows it cannot be read: the next tag of the
// blocks, the next version of a crowd, the next population elsewhere.
std::string PlaceBehind(Family family, std::string_view key) {
  const uint32_t population = KeyU32(key, 0).value_or(0);
  const uint32_t tag = KeyU32(key, 4).value_or(0);
  if (family == Family::kBlocks && tag < UINT32_MAX) {
    return BlockKey{.population = population, .tag = tag + 1}.Encode();
  }
  if (family == Family::kCrowds && key.size() >= 12) {
    return CrowdVersionRange(population, tag, KeyU32(key, 8).value_or(0)).end;
  }
  return PopulationRange(population).end;
}

// One look through one directory. Not thread-safe.
class Verification {
 public:
  Verification(const VerifyOptions& options, index::Parallel& parallel)
      : options_(options), parallel_(parallel), findings_(options.findings_max) {}

  absl::StatusOr<VerifyReport> Run() {
    THRONG_RETURN_IF_ERROR(CheckDirectory());
    THRONG_ASSIGN_OR_RETURN(const DirectoryLock lock, DirectoryLock::Take(options_.directory));
    CheckTableFiles();
    THRONG_RETURN_IF_ERROR(OpenDatabase());
    if (database_ != nullptr) {
      CheckTablesAreThere();
      for (const Family family : kFamilies) CheckValues(family);
      CheckPopulations();
    }
    MakeReport();
    return std::move(report_);
  }

 private:
  absl::Status CheckDirectory() const {
    std::error_code error;
    if (!fs::is_directory(options_.directory, error)) {
      return absl::NotFoundError(fmt::format("there is no directory {}", options_.directory));
    }
    if (fs::directory_iterator files(options_.directory, error); error) {
      return absl::UnavailableError(
          fmt::format("cannot list {}: {}", options_.directory, error.message()));
    }
    return absl::OkStatus();
  }

  // Each table by itself: the database would stop at the first one.
  void CheckTableFiles() {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(options_.directory)) {
      if (entry.path().extension() == ".sst") names.push_back(entry.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    report_.table_files = names.size();
    parallel_.For(static_cast<uint32_t>(names.size()), [&](uint32_t i, uint32_t) {
      rocksdb::Options rocks;
      static_cast<rocksdb::ColumnFamilyOptions&>(rocks) =
          MakeFamilyOptions({.directory = options_.directory}, FamilyName(Family::kBlocks));
      rocksdb::SstFileReader reader(rocks);
      rocksdb::Status status = reader.Open(options_.directory + "/" + names[i]);
      if (status.ok()) status = reader.VerifyChecksum();
      if (!status.ok()) findings_.Add({.where = names[i], .what = status.ToString()});
    });
  }

  // Leaves database_ null when damage keeps it from being opened at all.
  absl::Status OpenDatabase() {
    const StoreOptions store{.directory = options_.directory};
    absl::StatusOr<std::unique_ptr<Database>> opened =
        Database::OpenReadOnly(store, Database::Tolerance::kNone);
    if (!opened.ok()) {
      if (!absl::IsDataLoss(opened.status()) && !absl::IsUnavailable(opened.status())) {
        return opened.status();
      }
      findings_.Add(FindingOf(opened.status(), 0, 0));
      opened = Database::OpenReadOnly(store, Database::Tolerance::kDamage);
      if (!opened.ok()) return absl::OkStatus();
    }
    database_ = *std::move(opened);
    const absl::Status format = database_->CheckFormat(store);
    if (absl::IsFailedPrecondition(format)) return format;
    if (!format.ok()) findings_.Add(FindingOf(format, 0, 0));
    return absl::OkStatus();
  }

  void CheckTablesAreThere() {
    for (const auto& [name, bytes] : database_->files().Tables()) {
      std::error_code error;
      const uint64_t size = fs::file_size(options_.directory + "/" + name, error);
      if (error) {
        findings_.Add({.where = name, .what = "it is missing"});
      } else if (size != bytes) {
        findings_.Add({.where = name, .what = fmt::format("it has {} bytes of {}", size, bytes)});
      }
    }
  }

  // The checksum of every value, wherever it belongs.
  void CheckValues(Family family) {
    RangeScan scan = database_->Scan(family, {});
    std::string last;
    while (true) {
      for (; scan.Valid(); scan.Next()) {
        last = scan.key();
        ++report_.values;
        report_.value_bytes += scan.value().size();
        CheckValue(family, scan.key(), scan.value());
      }
      if (scan.status().ok()) return;
      findings_.Add(
          {.where = fmt::format("{}, behind {}", FamilyName(family),
                                last.empty() ? "its beginning" : DescribeKey(family, last)),
           .what = std::string(scan.status().message()),
           .population = KeyU32(last, 0).value_or(0)});
      const std::string next = PlaceBehind(family, last);
      if (next <= last) return;
      scan.Seek(next);
      // What the populations refer to is looked at in any case, piece by piece.
      if (!scan.Valid()) return;
    }
  }

  void CheckValue(Family family, std::string_view key, std::string_view value) {
    if (family == Family::kMeta && key == FormatKey()) return;  // OpenDatabase did
    const Kind kind = value.empty() ? Kind::kPopulation : static_cast<Kind>(value[0]);
    const absl::Status status = Unseal(kind, family, key, value).status();
    if (status.ok()) return;
    const bool is_block = family == Family::kBlocks;
    findings_.Add(
        FindingOf(status, KeyU32(key, 0).value_or(0), is_block ? KeyU32(key, 4).value_or(0) : 0));
  }

  void CheckPopulations() {
    RangeScan scan = database_->Scan(Family::kMeta, AllPopulations());
    std::vector<Population> populations;
    for (; scan.Valid(); scan.Next()) {
      const absl::StatusOr<std::string_view> payload =
          Unseal(Kind::kPopulation, Family::kMeta, scan.key(), scan.value());
      if (!payload.ok()) continue;  // CheckValues did
      absl::StatusOr<Population> population = DecodePopulation(*payload);
      if (population.ok() && PopulationKey(population->id) == scan.key()) {
        populations.push_back(*std::move(population));
      } else {
        findings_.Add({.where = DescribeKey(Family::kMeta, scan.key()),
                       .what = "the population cannot be decoded"});
      }
    }
    for (const Population& population : populations) {
      ++report_.populations;
      names_[population.id] = population.name;
      CheckPopulation(population);
    }
    for (const auto& [id, version] : database_->high_water()) {
      if (names_.contains(id)) continue;
      findings_.Add({.where = std::string(kHighWaterFile),
                     .what = fmt::format("it knows version {} of population {}, which is missing",
                                         version, id)});
    }
  }

  void CheckPopulation(const Population& population) {
    const HighWater& marks = database_->high_water();
    const auto mark = marks.find(population.id);
    Findings damage(options_.findings_max);
    const Progress no_progress;
    PopulationLoader loader(*database_, population.id, parallel_, no_progress, &damage);
    const absl::StatusOr<LoadedPopulation> loaded =
        WithoutExceptions([&] { return loader.Load(mark == marks.end() ? 0 : mark->second); });
    report_.log_records += loader.records().size();
    if (!loaded.ok()) damage.Add(FindingOf(loaded.status(), population.id, 0));
    if (loaded.ok()) {
      for (const auto& [name, entry] : loaded->snapshot->catalogue().by_name()) {
        tags_[{population.id, entry->definition.id}] = name;
      }
    }
    if (loaded.ok()) {
      const absl::Status crowds = CheckCrowdSets(*database_, population.id, *loaded->snapshot,
                                                 parallel_, [&](const absl::Status& found) {
                                                   damage.Add(FindingOf(found, population.id, 0));
                                                   return absl::OkStatus();
                                                 });
      if (!crowds.ok()) damage.Add(FindingOf(crowds, population.id, 0));
    }
    if (loaded.ok() && loader.is_complete()) {
      CheckSnapshot(*loaded->snapshot, parallel_, [&](const Contradiction& found) {
        damage.Add({.where = fmt::format("population {}, {}", population.id, found.where),
                    .what = found.what,
                    .population = population.id,
                    .tag = found.tag});
      });
    } else {
      report_.not_compared.push_back(population.name);
    }
    for (Finding& finding : damage.Take()) findings_.Add(std::move(finding));
  }

  void MakeReport() {
    report_.findings_total = findings_.count();
    for (Finding& finding : findings_.Take()) {
      ReportedFinding reported{.where = std::move(finding.where), .what = std::move(finding.what)};
      const auto population = names_.find(finding.population);
      if (population != names_.end()) reported.population = population->second;
      const auto tag = tags_.find({finding.population, finding.tag});
      if (tag != tags_.end()) reported.tag = tag->second;
      report_.findings.push_back(std::move(reported));
    }
  }

  const VerifyOptions options_;
  index::Parallel& parallel_;
  Findings findings_;
  VerifyReport report_;
  std::unique_ptr<Database> database_;
  std::map<uint32_t, std::string> names_;                      // of populations
  std::map<std::pair<uint32_t, uint32_t>, std::string> tags_;  // by population and id
};

}  // namespace

absl::StatusOr<VerifyReport> Verify(const VerifyOptions& options, index::Parallel& parallel) {
  return WithoutExceptions([&] { return Verification(options, parallel).Run(); });
}

}  // namespace throng::storage
