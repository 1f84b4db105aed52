#include "server/engine/administration.h"

#include <utility>

#include "server/engine/maintenance.h"
#include "server/engine/universe.h"

namespace throng::engine {

storage::WriteState Administration::write_state() const {
  return universes_.environment().store->write_state();
}

void Administration::WatchWriteState(std::function<void(const storage::WriteState&)> watcher) {
  maintenance_.WatchWriteState(std::move(watcher));
}

}  // namespace throng::engine
