// What a site engineer asks of the engine.
//
//   const storage::WriteState state = engine.administration().write_state();
//   if (!state.error.ok()) ...   // the store is read-only, and why
#ifndef THRONG_SERVER_ENGINE_ADMINISTRATION_H_
#define THRONG_SERVER_ENGINE_ADMINISTRATION_H_

#include <functional>

#include "storage/store.h"

namespace throng::engine {

class Maintenance;  // what the engine does by itself
class Universes;    // the loaded populations

// Thread-safe.
class Administration {
 public:
  Administration(Universes& universes, Maintenance& maintenance)
      : universes_(universes), maintenance_(maintenance) {}

  // Whether writes are accepted; cheap.
  storage::WriteState write_state() const;
  // Calls `watcher` with the state now, and from another thread whenever writes stop or go on
  // again. Null: nobody is called any more, and no call is under way when this returns. The watcher
  // must not call the engine.
  void WatchWriteState(std::function<void(const storage::WriteState&)> watcher);

 private:
  Universes& universes_;
  Maintenance& maintenance_;
};

}  // namespace throng::engine

#endif  // THRONG_SERVER_ENGINE_ADMINISTRATION_H_
