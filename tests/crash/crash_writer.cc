#include "tests/crash/crash_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <utility>

#include "fmt/format.h"

namespace throng::crash {
namespace {

// One call in so many is about crowds.
constexpr uint64_t kCrowdCalls = 3;

}  // namespace

SyncedFile::SyncedFile(const std::string& path, std::function<void(const std::string&)> fail)
    : fail_(std::move(fail)),
      descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {}

SyncedFile::~SyncedFile() { close(descriptor_); }

void SyncedFile::Append(const std::string& line) {
  const std::string text = line + "\n";
  if (write(descriptor_, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      fdatasync(descriptor_) != 0) {
    fail_("the expected-state file cannot be written");
  }
}

CrashWriter::CrashWriter(int number, const Options& options, Fail fail)
    : number_(number),
      users_max_(options.users_max),
      fail_([number, fail = std::move(fail)](const std::string& message) {
        fail(fmt::format("writer {}: {}", number, message));
        std::abort();  // it returned
      }),
      file_(fmt::format("{}/expected_{}.txt", options.directory, number), fail_),
      random_(options.seed * 1000 + static_cast<uint64_t>(number)) {}

void CrashWriter::BeginCycle() {
  states_.clear();
  acknowledged_ = 0;
  acknowledged_crowd_calls_ = 0;
  Keep();
}

// The expected state is one that was answered.
void CrashWriter::Keep() {
  states_.push_back(std::make_shared<const CrashState>(expected_));
  answered_state_ = states_.size() - 1;
}

void CrashWriter::WriteUntil(const std::string& address, const std::atomic<bool>& stop) {
  CrashClient client(address, number_);
  CrowdClient crowds(address, number_);
  while (!stop) {
    const bool is_answered = random_() % kCrowdCalls == 0 ? CallCrowds(crowds) : WriteUsers(client);
    if (!is_answered) return;
    Keep();
  }
}

// False: it was not answered.
bool CrashWriter::WriteUsers(CrashClient& client) {
  const Operation operation = RandomOperation(expected_.users, number_, users_max_, random_);
  file_.Append("call " + operation.ToString());
  unanswered_ = operation;
  const std::optional<uint64_t> version = client.Run(operation);
  if (!version) return false;
  file_.Append(fmt::format("done {}", *version));
  // One that changed nothing is answered with the version there was.
  if (*version < last_version_) {
    fail_(fmt::format("data version {} comes after {}", *version, last_version_));
  }
  last_version_ = *version;
  Apply(operation, expected_);
  unanswered_.reset();
  ++acknowledged_;
  return true;
}

// As above.
bool CrashWriter::CallCrowds(CrowdClient& crowds) {
  const CrowdOperation operation =
      RandomCrowdOperation(expected_, number_, ++crowd_calls_, random_);
  file_.Append("call " + operation.ToString());
  unanswered_crowd_ = operation;
  const std::optional<CrowdAnswer> answer = crowds.Run(operation);
  if (!answer) return false;
  // A backup may be made between the two steps.
  if (std::optional<CrashState> halfway = Halfway(operation, expected_)) {
    states_.push_back(std::make_shared<const CrashState>(*std::move(halfway)));
  }
  Acknowledge(operation, *answer);
  ++acknowledged_crowd_calls_;
  return true;
}

void CrashWriter::Acknowledge(const CrowdOperation& operation, const CrowdAnswer& answer) {
  file_.Append("done " + answer.ToString());
  CrowdAnswer right = Apply(operation, expected_);
  for (size_t i = 0; i < std::min(right.versions.size(), answer.versions.size()); ++i) {
    right.versions[i].data_version = answer.versions[i].data_version;
  }
  if (!(answer == right)) {
    fail_(fmt::format("{}: is answered [{}], not [{}]", operation.ToString(), answer.ToString(),
                      right.ToString()));
  }
  for (const CrowdAnswer::Version& version : answer.versions) {
    if (version.data_version >= last_version_) continue;
    fail_(fmt::format("{}: {} is computed on data version {}, {} was acknowledged before",
                      operation.ToString(), version.crowd, version.data_version, last_version_));
  }
  NoteDataVersions(answer, expected_.crowds);
  last_version_ = std::max(last_version_, answer.data_version);
  unanswered_crowd_.reset();
  answered_ = operation;
  answer_ = answer;
}

// What a call that was cut may have made of the expected state.
std::vector<CrashState> CrashWriter::CutStates() const {
  std::vector<CrashState> states;
  if (unanswered_) {
    Apply(*unanswered_, states.emplace_back(expected_));
  } else if (unanswered_crowd_) {
    // What has happened as a whole comes first.
    Apply(*unanswered_crowd_, states.emplace_back(expected_));
    std::optional<CrashState> halfway = Halfway(*unanswered_crowd_, expected_);
    if (halfway) states.push_back(*std::move(halfway));
  }
  return states;
}

std::vector<CrashWriter::StateRef> CrashWriter::StatesFrom(size_t place) const {
  std::vector<StateRef> states(states_.begin() + static_cast<ptrdiff_t>(place), states_.end());
  for (CrashState& state : CutStates()) {
    states.push_back(std::make_shared<const CrashState>(std::move(state)));
  }
  return states;
}

void CrashWriter::Check(CrashClient& client, CrowdClient& crowds) {
  Settle({.users = client.Read(), .crowds = crowds.Read()});
  CheckCounts(client);
  if (!answered_ && !unanswered_crowd_) return;
  Retry(crowds);
  const std::string difference =
      Difference(expected_, {.users = expected_.users, .crowds = crowds.Read()});
  if (!difference.empty())
    fail_(fmt::format("after {} again: {}", answered_->request_id, difference));
}

// What is there must be what was acknowledged, and perhaps the one call that was cut.
void CrashWriter::Settle(const CrashState& actual) {
  const std::string difference = Difference(expected_, actual);
  const std::vector<CrashState> cut = CutStates();
  const auto found = std::find_if(cut.begin(), cut.end(), [&](const CrashState& state) {
    return Difference(state, actual).empty();
  });
  if (!difference.empty() && found == cut.end()) {
    const std::string after = cut.empty() ? ""
                                          : fmt::format("\nand if the last call happened: {}",
                                                        Difference(cut.front(), actual));
    fail_(difference + after);
  }
  if (cut.empty()) return;
  file_.Append("restarted");
  // Whoever it would have changed nothing for did happen and did not.
  CutCalls& calls = unanswered_ ? cut_writes_ : cut_crowd_calls_;
  ++(difference.empty() ? calls.absent : found == cut.begin() ? calls.whole : calls.halfway);
  // Calls about crowds are settled by a retry.
  if (unanswered_ && !difference.empty()) expected_ = *found;
  unanswered_.reset();
}

void CrashWriter::Retry(CrowdClient& crowds) {
  if (unanswered_crowd_) {
    const CrowdOperation operation = *unanswered_crowd_;
    Acknowledge(operation, RunAgain(crowds, operation));
  }
  const CrowdAnswer again = RunAgain(crowds, *answered_);
  if (!(again == answer_)) {
    fail_(fmt::format("{}: is answered [{}] again, [{}] at first", answered_->ToString(),
                      again.ToString(), answer_.ToString()));
  }
}

CrowdAnswer CrashWriter::RunAgain(CrowdClient& crowds, const CrowdOperation& operation) {
  std::optional<CrowdAnswer> answer = crowds.Run(operation);
  if (!answer) fail_(fmt::format("{}: the server is gone", operation.ToString()));
  ++retried_;
  return *std::move(answer);
}

// Counts come from bitmaps, the export's values from columns: both must agree with the model.
void CrashWriter::CheckCounts(CrashClient& client) const {
  std::map<std::string, uint64_t> counts;
  const int n = number_;
  for (const auto& [id, person] : expected_.users) {
    if (person.city) ++counts[fmt::format("city_{} = '{}'", n, *person.city)];
    if (person.views > 0) ++counts[fmt::format("views_{} > 0", n)];
    if (person.vip) ++counts[fmt::format("vip_{}", n)];
    if (!person.interests.empty()) ++counts[fmt::format("exists(interests_{})", n)];
  }
  for (const auto& [expression, count] : counts) {
    if (const uint64_t actual = client.Count(expression); actual != count) {
      fail_(fmt::format("{} counts {} users, not {}", expression, actual, count));
    }
  }
}

}  // namespace throng::crash
