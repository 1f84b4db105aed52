#include "storage/findings.h"

#include <optional>

#include "index/error.h"

namespace throng::storage {

Finding FindingOf(const absl::Status& error, uint32_t population, uint32_t tag) {
  Finding finding{.what = std::string(error.message()), .population = population, .tag = tag};
  const std::optional<index::ErrorDetail> detail = index::GetErrorDetail(error);
  if (detail.has_value()) finding.where = detail->field;
  return finding;
}

void Findings::Add(Finding finding) {
  index::MutexLock lock(mutex_);
  if (!finding.where.empty() && !places_.insert(finding.where).second) return;
  ++count_;
  populations_.insert(finding.population);
  if (list_.size() < most_) list_.push_back(std::move(finding));
}

size_t Findings::count() const {
  index::MutexLock lock(mutex_);
  return count_;
}

bool Findings::Has(uint32_t population) const {
  index::MutexLock lock(mutex_);
  return populations_.contains(population) || populations_.contains(0);
}

std::vector<Finding> Findings::Take() {
  index::MutexLock lock(mutex_);
  return std::exchange(list_, {});
}

}  // namespace throng::storage
