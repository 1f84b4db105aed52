// How much memory blocks may take for the sake of speed.
//
//   SetLayout(Layout::kCompact);   // before the data is loaded
//
// The layout says what form new blocks get; blocks of both layouts stand side by side and mean the
// same. It is one for the process.
#ifndef THRONG_INDEX_LAYOUT_H_
#define THRONG_INDEX_LAYOUT_H_

#include <cstdint>

namespace throng::index {

enum class Layout : uint8_t {
  // Arrays up to 1,024 members, then bitsets, which evaluate up to 4 times faster.
  kSpeed,
  // Whatever takes least, nearly as serialized Roaring bitmaps do.
  kCompact,
};

// Of the blocks that are made from now on. Thread-safe.
void SetLayout(Layout layout);
Layout CurrentLayout();

}  // namespace throng::index

#endif  // THRONG_INDEX_LAYOUT_H_
