#include "apps/heatmap/palette_options.h"

#include "apps/common/choice.h"

namespace heed::heatmap {

CLI::Option* add_palette_options(CLI::App& cli, Palette& palette) {
  auto* const colour = apps::add_choice(
      cli, "--colour", palette.map,
      "colours of the weights: cubehelix, viridis, cividis or greys, all even in brightness");
  cli.add_flag("--light,!--dark", palette.light,
               "weight 0 is white and large weights are dark, for print (default: 0 is dark)");
  return colour;
}

}  // namespace heed::heatmap
