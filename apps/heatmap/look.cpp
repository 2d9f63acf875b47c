#include "apps/heatmap/render.h"

namespace heed::heatmap {

TextLook look_of(PlacedText::Role role) {
  switch (role) {
    case PlacedText::Role::title:
      return {"#212529", true};
    case PlacedText::Role::caption:
      return {"#495057"};
    case PlacedText::Role::axis:
      return {"#495057", false, true};
    case PlacedText::Role::unknown:
      return {"#c2410c", false, true};
    case PlacedText::Role::end_of_sentence:
      return {"#8a929a"};
    case PlacedText::Role::tick:
      return {"#495057"};
    case PlacedText::Role::label:
      break;
  }
  return {"#212529"};
}

Seam seam_of(const Palette& palette) { return palette.light ? Seam{0, 0.1} : Seam{1, 0.16}; }

}  // namespace heed::heatmap
