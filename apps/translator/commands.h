// The subcommands of translator: each adds its options and returns what to run once they are parsed.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace heed::apps {

using Command = std::function<void()>;
Command add_train(CLI::App& cli);
Command add_translate(CLI::App& cli);
Command add_evaluate(CLI::App& cli);
Command add_prepare(CLI::App& cli);
Command add_corpus(CLI::App& cli);
Command add_data(CLI::App& cli);
Command add_export(CLI::App& cli);
Command add_quantize(CLI::App& cli);
Command add_plot(CLI::App& cli);
Command add_models(CLI::App& cli);
Command add_look(CLI::App& cli);
Command add_align(CLI::App& cli);
Command add_compare(CLI::App& cli);
Command add_import(CLI::App& cli);
Command add_demo(CLI::App& cli);
Command add_serve(CLI::App& cli);
Command add_doctor(CLI::App& cli);
Command add_average(CLI::App& cli);

}  // namespace heed::apps
