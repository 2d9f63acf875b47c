// compare_torch's PyTorch side: compare_torch_torch THREADS; commands as in worker.h.
#include <dlfcn.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <cstdlib>
#include <memory>

#include "bench/compare_torch/torch_cases.h"
#include "bench/compare_torch/torch_model.h"
#include "bench/compare_torch/worker.h"

// OpenBLAS's name for the kernels it runs, if OpenBLAS is the BLAS.
static std::string blas_core() {
  using Name = char* (*)();
  const auto name = reinterpret_cast<Name>(::dlsym(RTLD_DEFAULT, "openblas_get_corename"));
  const auto parallel = reinterpret_cast<int (*)()>(::dlsym(RTLD_DEFAULT, "openblas_get_parallel"));
  if (!name) return "unknown";
  const int kind = parallel ? parallel() : 0;
  return std::string(name()) + (kind == 2 ? " on OpenMP" : kind == 1 ? " on pthreads" : "");
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::atoi(argv[1]) : 1;
  at::set_num_threads(threads);
  at::set_num_interop_threads(1);
  torch::manual_seed(1);
  std::map<std::string, std::unique_ptr<torch_side::Training>> models;
  const auto model = [&](const std::string& kind) -> torch_side::Training& {
    auto& slot = models[kind];
    if (!slot) slot = std::make_unique<torch_side::Training>(kind);
    return *slot;
  };
  workload::Worker worker;
  const char* const capability = std::getenv("ATEN_CPU_CAPABILITY");
  worker.greeting = std::string("PyTorch ") + TORCH_VERSION + ", ATEN_CPU_CAPABILITY " +
                    (capability ? capability : "default") + ", " + "OpenBLAS " + blas_core() + ", " +
                    std::to_string(threads) + " threads";
  worker.make_case = [&](const std::string& name) {
    const workload::DecodeCase c = workload::decode_case(name);
    return c.kind.empty() ? torch_side::make_case(name) : model(c.kind).decoding(c);
  };
  worker.load = [&](const std::string& file, const std::string& kind) { model(kind).load(file); };
  worker.model = [&](const std::string& kind) { return model(kind).check(); };
  return workload::serve(worker);
}
