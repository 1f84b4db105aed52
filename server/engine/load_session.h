// The two kinds of load: UPSERT commits batch by batch, REPLACE stages whole tags.
//
//   THRONG_ASSIGN_OR_RETURN(auto session, StartSession(universe, context, header));
//
// Internal to the engine.
#ifndef THRONG_SERVER_ENGINE_LOAD_SESSION_H_
#define THRONG_SERVER_ENGINE_LOAD_SESSION_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "server/engine/call_context.h"
#include "server/engine/universe.h"
#include "server/engine/writer.h"

namespace throng::engine {

// A REPLACE that is under way for longer is ended with its next batch: nobody else can replace its
// tags meanwhile.
inline constexpr int64_t kReplaceUsMax = int64_t{24} * 3'600 * 1'000'000;

// Errors: as Writer::StartLoad. The session is for one thread at a time.
absl::StatusOr<std::unique_ptr<LoadSession>> StartSession(std::shared_ptr<Universe> universe,
                                                          const CallContext& context,
                                                          const LoadHeader& header);

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_LOAD_SESSION_H_
