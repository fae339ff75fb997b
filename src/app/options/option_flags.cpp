// SPDX-License-Identifier: Apache-2.0
#include "app/options/option_flags.hpp"

#include <CLI/CLI.hpp>

#include <cctype>
#include <cstdlib>

#include "app/options/draft.hpp"
#include "app/options/option_groups.hpp"

namespace hiky::app {
namespace {

constexpr int most_databases = 1 << 20;

std::vector<std::string> parts_of(std::string_view choices) {
  std::vector<std::string> out;
  while (!choices.empty()) {
    auto const part = choices.substr(0, choices.find(','));
    choices.remove_prefix(std::min(choices.size(), part.size() + 1));
    out.emplace_back(part);
  }
  return out;
}

// One option, by what it takes.
class adding {
 public:
  adding(CLI::App& app, option const& what, draft& into)
      : app_(app), what_(what), into_(into), flag_(std::string{"--"}.append(what.name)), help_(what.help) {}

  CLI::Option* operator()(flag const& as) const {
    return app_.add_flag_callback(flag_, [&into = into_, set = as.set] { set(into); }, help_);
  }
  CLI::Option* operator()(truth const& as) const { return add(as.set); }
  CLI::Option* operator()(text const& as) const {
    auto* const added = add(as.set);
    if (!as.shown.empty()) added->type_name(std::string{as.shown});
    return added;
  }
  CLI::Option* operator()(texts const& as) const {
    auto* const added = add(as.set);
    if (!as.choices.empty()) added->check(CLI::IsMember(parts_of(as.choices)));
    return added;
  }
  CLI::Option* operator()(choice const& as) const { return add(as.set)->check(CLI::IsMember(parts_of(as.choices))); }
  CLI::Option* operator()(whole const& as) const { return add(as.set)->check(CLI::Range(as.least, as.most)); }
  CLI::Option* operator()(database const& as) const { return add(as.set)->check(CLI::Range(0, most_databases)); }
  CLI::Option* operator()(duration const& as) const {
    auto const set = [&into = into_, set = as.set, unit = as.unit](double const& said) {
      set(into, std::chrono::milliseconds{static_cast<long>(said * static_cast<double>(unit.count()))});
    };
    return add<double>(set)->check(CLI::Range(as.least, as.most));
  }
  // As it was said; judge.hpp reads it, and names the option if that is no rate.
  CLI::Option* operator()(rate const&) const {
    return add<std::string>(
        [&into = into_, name = what_.name](std::string const& said) { into.limits.rates[name] = said; });
  }

 private:
  template <class T>
  CLI::Option* add(std::function<void(T const&)> set) const {
    return app_.add_option_function<T>(flag_, set, help_)->run_callback_for_default();
  }
  template <class T>
  CLI::Option* add(setter<T> set) const {
    return add<T>([&into = into_, set](T const& said) { set(into, said); });
  }

  CLI::App& app_;
  option const& what_;
  draft& into_;
  std::string flag_, help_;
};

class toml_below_environment final : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
    auto items = CLI::ConfigTOML::from_config(input);
    std::erase_if(items, [](CLI::ConfigItem const& item) {
      char const* const said = std::getenv(environment_name(item.name).c_str());
      return said && *said;
    });
    return items;
  }
};

}  // namespace

void add_options(CLI::App& app, std::vector<option> const& options, draft& into) {
  for (auto const& each : options) {
    auto* const added = std::visit(adding{app, each, into}, each.takes)->group(std::string{each.group});
    if (each.configurable) added->envname(environment_name(each.name));
    else added->configurable(false);
    auto const initial = each.found_here ? each.found_here() : std::string{each.initial};
    if (!initial.empty()) added->default_val(initial);
  }
  for (auto const& each : options) {
    if (each.needs.empty()) continue;
    app.get_option(std::string{"--"}.append(each.name))->needs(app.get_option(std::string{"--"}.append(each.needs)));
  }
}

std::shared_ptr<CLI::Config> file_below_environment() { return std::make_shared<toml_below_environment>(); }

std::string environment_name(std::string_view option) {
  std::string out{"HIKY_"};
  for (char const c : option) out += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

std::vector<option> daemon_options() {
  std::vector<option> out;
  for (auto const part : {network_options(), identity_options(), operation_options()})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace hiky::app
