// Where the batches of a load go: to a server, or into the engine of this process.
//
//   sink.Start(header);
//   while (... && sink.Send(std::move(batch))) {}
//   v1::LoadSummary summary;
//   grpc::Status status = sink.Finish(summary);
#ifndef THRONG_CLI_BATCH_SINK_H_
#define THRONG_CLI_BATCH_SINK_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "cli/batch_builder.h"
#include "cli/row_error_log.h"
#include "throng/v1/user.pb.h"

namespace throng::cli {

// One load, for one thread.
class BatchSink {
 public:
  virtual ~BatchSink() = default;

  // Opens the load.
  virtual void Start(const v1::LoadHeader& header) = 0;
  // Waits until there is room and hands the batch over. False: the load is over, Finish() says why.
  virtual bool Send(LoadBatch batch) = 0;
  // Says that everything was sent and gives the summary. The row for which the load failed goes to
  // the log.
  virtual grpc::Status Finish(v1::LoadSummary& summary) = 0;
  // Gives the load up. What a REPLACE has staged is dropped, and the old content stays.
  virtual void Cancel() = 0;

  // Rows in answered batches.
  virtual uint64_t rows_answered() const = 0;
  // The newest data version that an answer gave; 0: none.
  virtual uint64_t data_version() const = 0;
};

// Makes the sink of a load; rows that it refuses go to `log`, which outlives it.
using MakeBatchSink = std::function<std::unique_ptr<BatchSink>(RowErrorLog* log)>;

// Logs the rows of a batch that were refused; `lines` are the places of its rows in the file.
void LogRowErrors(const v1::LoadProgress& progress, const std::vector<uint64_t>& lines,
                  RowErrorLog& log);
// Logs the row for which a load failed, if `status` names one of the batch.
void LogFailedRow(const grpc::Status& status, const std::vector<uint64_t>& lines, RowErrorLog& log);

}  // namespace throng::cli

#endif  // THRONG_CLI_BATCH_SINK_H_
