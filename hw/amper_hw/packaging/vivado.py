"""A Tcl script by which Vivado packages a sampler for its IP catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from amper_hw.bus.registers import ADDRESS_WIDTH
from amper_hw.output.generate import Generated
from amper_hw.packaging.interfaces import interfaces


def vivado_script(generated: Generated) -> str:
    """The text of ``NAME_vivado.tcl``, which makes the folder ``NAME_ip`` beside itself."""
    name, version = generated.config.name, generated.description["versions"]["amper"]
    ports = generated.description["ports"]
    lines = [
        "# Packages the sampler for Vivado's IP catalogue, made with it:",
        f"#     vivado -mode batch -source {name}_vivado.tcl",
        "",
        "# What there is, or what the command makes: Vivado finds some interfaces by itself.",
        "proc present {found command} {",
        "    if {$found ne {}} {return $found}",
        "    return [uplevel 1 $command]",
        "}",
        "",
        "set here [file dirname [file normalize [info script]]]",
        "create_project -in_memory",
        f"add_files [file join $here {name}.v]",
        f"set_property top {name} [current_fileset]",
        f"ipx::package_project -root_dir [file join $here {name}_ip] -vendor amper -library rtl -taxonomy /UserIP \\",
        "    -import_files -set_current true",
        "set core [ipx::current_core]",
        f"set_property name {name} $core",
        f"set_property version {'.'.join(version.split('.')[:2])} $core",
        f"set_property display_name {{AMPER sampler {name}}} $core",
        "set_property description {Prioritized experience replay by an associative memory} $core",
        *_interface("clk", ["clk"], "signal:clock"),
        *_interface("rst", ["rst"], "signal:reset"),
        "set polarity [ipx::add_bus_parameter POLARITY [ipx::get_bus_interfaces rst -of_objects $core]]",
        "set_property value ACTIVE_HIGH $polarity",
        "ipx::associate_bus_interfaces -clock clk -reset rst $core",
        *(_interface("irq", ["irq"], "signal:interrupt") if "irq" in ports else []),
    ]
    for each in interfaces(ports):
        lines += _interface(each.name, each.signals, "interface:axis" if each.is_stream else "interface:aximm")
        lines.append(f"ipx::associate_bus_interfaces -busif {each.name} -clock clk $core")
        if not each.is_stream:
            lines += _registers(each.name)
    lines += ["ipx::create_xgui_files $core", "ipx::update_checksums $core", "ipx::check_integrity $core"]
    return "\n".join([*lines, "ipx::save_core $core", "close_project", ""])


def _interface(name: str, ports: Iterable[str], kind: str) -> list[str]:
    """Unless Vivado has found it."""
    command = f"ipx::infer_bus_interface {{{' '.join(ports)}}} xilinx.com:{kind}_rtl:1.0 $core"
    return [f"present [ipx::get_bus_interfaces -quiet {name} -of_objects $core] {{", f"    {command}", "}"]


def _registers(name: str) -> list[str]:
    """The memory map of a slave."""
    found = f"[ipx::get_memory_maps -quiet {name} -of_objects $core]"
    return [
        f"set map [present {found} {{ipx::add_memory_map {name} $core}}]",
        f"set_property slave_memory_map_ref {name} [ipx::get_bus_interfaces {name} -of_objects $core]",
        "set blocks [ipx::get_address_blocks -quiet -of_objects $map]",
        "set block [present $blocks {ipx::add_address_block registers $map}]",
        f"set_property range {1 << ADDRESS_WIDTH} $block",
        "set_property width 32 $block",
    ]
