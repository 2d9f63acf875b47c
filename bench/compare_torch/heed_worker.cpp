// compare_torch's heed side: compare_torch_heed THREADS; commands as in worker.h.
#include <fmt/format.h>

#include <cstdlib>
#include <memory>

#include "bench/compare_torch/worker.h"
#include "bench/heed_cases.h"
#include "framework/kernels/kernels.h"

int main(int argc, char** argv) {
  heed::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
  std::map<std::string, std::unique_ptr<heed::bench::Training>> models;
  const auto model = [&](const std::string& kind) -> heed::bench::Training& {
    auto& slot = models[kind];
    if (!slot) slot = std::make_unique<heed::bench::Training>(kind);
    return *slot;
  };
  workload::Worker worker;
  worker.greeting =
      fmt::format("heed, {} kernels, OpenBLAS {}, oneDNN {}, {} threads", heed::kernels::simd_target(),
                  heed::kernels::blas_core(), heed::kernels::onednn_version(), heed::num_threads());
  worker.make_case = heed::bench::make_case;
  worker.save = [&](const std::string& file, const std::string& kind) { model(kind).save(file); };
  worker.model = [&](const std::string& kind) { return model(kind).check(); };
  return workload::serve(worker);
}
