#include "cli/check_traffic.h"

#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "cli/client.h"
#include "cli/json_output.h"
#include "cli/member_states.h"
#include "fmt/format.h"
#include "throng/v1/membership.grpc.pb.h"

namespace throng::cli {
namespace {

using Stream = grpc::ClientReaderWriter<v1::StreamChecksRequest, v1::StreamChecksResponse>;

// Of one message; a message's checks times the crowds are at most 1,000,000.
constexpr size_t kStatesMax = 100'000;
constexpr size_t kIdsMax = 1'000;

// Ids that were sent and not answered. Thread-safe.
class SentIds {
 public:
  void Add(const std::vector<std::string>& ids) {
    absl::MutexLock lock(&mutex_);
    ids_.insert(ids_.end(), ids.begin(), ids.end());
  }
  std::string Take() {
    absl::MutexLock lock(&mutex_);
    if (ids_.empty()) return {};
    std::string id = std::move(ids_.front());
    ids_.pop_front();
    return id;
  }

 private:
  absl::Mutex mutex_;
  std::deque<std::string> ids_ ABSL_GUARDED_BY(mutex_);
};

// Reads until the stream ends.
void PrintAnswers(const CheckTraffic& traffic, bool json, Stream& stream, SentIds& sent,
                  std::map<int, std::uint64_t>& counts) {
  v1::StreamChecksResponse response;
  while (stream.Read(&response)) {
    for (const v1::StreamAnswer& answer : response.answers()) {
      const std::string id = sent.Take();
      for (const int state : answer.states()) ++counts[state];
      if (json) {
        PrintJson(StatesJson(id, traffic.crowds, answer.states()));
      } else {
        fmt::print("{}", StateLine(id, answer.states()));
      }
    }
    std::fflush(stdout);
  }
}

// Sends until there are no more ids or the stream is broken. The error is of reading them.
absl::Status SendIds(const CheckTraffic& traffic, IdLines& lines, Stream& stream, SentIds& sent) {
  v1::StreamChecksRequest request;
  request.mutable_setup()->set_population(traffic.population);
  request.mutable_setup()->set_id_type(traffic.id_type);
  request.mutable_setup()->set_skip_missing(traffic.skip_missing);
  for (const std::string& crowd : traffic.crowds) {
    request.mutable_setup()->add_crowds()->set_crowd(crowd);
  }
  const size_t most = std::max<size_t>(1, std::min(kIdsMax, kStatesMax / traffic.crowds.size()));
  std::uint64_t sequence = 0;
  std::vector<std::string> ids;
  bool writable = stream.Write(request);  // a crowd that is not there is told before any id comes
  while (writable) {
    const absl::StatusOr<bool> more = lines.Next(most, &ids);
    if (!more.ok()) return more.status();
    if (!*more) break;
    request.Clear();
    for (const std::string& id : ids) {
      v1::StreamCheck* check = request.add_checks();
      check->set_sequence(++sequence);
      check->set_id(id);
    }
    sent.Add(ids);
    writable = stream.Write(request);
  }
  return absl::OkStatus();
}

}  // namespace

int CheckStreamOf(const CheckTraffic& traffic, IdLines& lines, const GlobalOptions& options) {
  const auto stub = v1::MembershipService::NewStub(Connect(options));
  grpc::ClientContext context;
  SetStreamDeadline(options, context);
  const std::unique_ptr<Stream> stream = stub->StreamChecks(&context);
  SentIds sent;
  std::map<int, std::uint64_t> counts;
  std::thread printer([&] { PrintAnswers(traffic, options.json, *stream, sent, counts); });
  const absl::Status read = SendIds(traffic, lines, *stream, sent);
  if (!read.ok()) context.TryCancel();
  stream->WritesDone();
  printer.join();
  const grpc::Status status = stream->Finish();
  if (!read.ok()) return ReportFailure(read, options);
  if (!status.ok()) return ReportFailure(status, options);
  if (!options.json) fmt::print(stderr, "{}\n", CountsText(counts));
  return kExitOk;
}

}  // namespace throng::cli
