#include "apps/common/renamed.h"

namespace heed::apps {
namespace {

struct Renamed {
  std::string_view command, old, now;
};

constexpr Renamed kRenamed[] = {
    {"translator train", "-o", "-r (--run)"},
    {"translator translate", "-i", "-s (--source)"},
    {"translator translate", "--input", "--source"},
    {"translator translate", "--force", "--target, beside --source"},
    {"translator translate", "--attention", "--records"},
    {"translator translate", "--coverage", "--coverage-penalty"},
    {"translator translate", "--min-length", "--min-output"},
    {"translator translate", "--max-length", "--max-output"},
    {"translator translate", "--batch-size", "--decode-batch-size"},
    {"translator evaluate", "--attention", "--records"},
    {"translator evaluate", "--coverage", "--coverage-penalty"},
    {"translator evaluate", "--min-length", "--min-output"},
    {"translator evaluate", "--max-length", "--max-output"},
    {"translator evaluate", "--batch-size", "--decode-batch-size"},
    {"translator compare", "--out", "--output"},
    {"translator compare", "--decode-coverage", "--coverage-penalty"},
    {"translator compare", "--decode-max-length", "--max-output"},
    {"translator compare", "--min-length", "--min-output"},
    {"translator corpus", "--out", "--output"},
    {"translator demo", "--out", "--output"},
    {"heatmap", "--record", "--records"},
    {"heatmap", "-s", "the sentence itself: heatmap -r RUN \"A dog runs.\" -o FILE"},
    {"heatmap", "--sentence", "the sentence itself: heatmap -r RUN \"A dog runs.\" -o FILE"},
    {"heatmap", "-t", "--translation"},
    {"heatmap", "--target", "--translation"},
    {"heatmap", "--keep-eos", "--eos"},
    {"heatmap", "--max-tokens", "--source-words 1-N and --target-words 1-N"},
    {"heatmap", "--drop-eos", "--no-eos"},
};

}  // namespace

std::string renamed(std::string_view command, std::string_view old) {
  for (const Renamed& one : kRenamed) {
    if (one.command == command && one.old == old) return std::string(one.now);
  }
  return "";
}

}  // namespace heed::apps
