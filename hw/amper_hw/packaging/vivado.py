"""A Tcl script by which Vivado packages a sampler for its IP catalogue."""

from __future__ import annotations

from amper_hw.bus.registers import ADDRESS_WIDTH
from amper_hw.output.generate import Generated
from amper_hw.packaging.interfaces import interfaces


def vivado_script(generated: Generated) -> str:
    """The text of ``NAME_vivado.tcl``, which makes the folder ``NAME_ip`` beside itself."""
    name, version = generated.config.name, generated.description["versions"]["amper"]
    ports = generated.description["ports"]
    found = interfaces(ports)
    lines = [
        "# Packages the sampler for Vivado's IP catalogue, made with it:",
        f"#     vivado -mode batch -source {name}_vivado.tcl",
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
        "ipx::infer_bus_interface clk xilinx.com:signal:clock_rtl:1.0 $core",
        "ipx::infer_bus_interface rst xilinx.com:signal:reset_rtl:1.0 $core",
        "set polarity [ipx::add_bus_parameter POLARITY [ipx::get_bus_interfaces rst -of_objects $core]]",
        "set_property value ACTIVE_HIGH $polarity",
        "ipx::associate_bus_interfaces -clock clk -reset rst $core",
    ]
    if "irq" in ports:
        lines.append("ipx::infer_bus_interface irq xilinx.com:signal:interrupt_rtl:1.0 $core")
    for each in found:
        kind = "axis" if each.is_stream else "aximm"
        lines += [
            f"ipx::infer_bus_interface {{{' '.join(each.signals)}}} xilinx.com:interface:{kind}_rtl:1.0 $core",
            f"ipx::associate_bus_interfaces -busif {each.name} -clock clk $core",
        ]
        if not each.is_stream:
            lines += [
                f"set map [ipx::add_memory_map {each.name} $core]",
                f"set_property slave_memory_map_ref {each.name} "
                f"[ipx::get_bus_interfaces {each.name} -of_objects $core]",
                "set block [ipx::add_address_block registers $map]",
                f"set_property range {1 << ADDRESS_WIDTH} $block",
                "set_property width 32 $block",
            ]
    lines += ["ipx::create_xgui_files $core", "ipx::update_checksums $core", "ipx::check_integrity $core"]
    return "\n".join([*lines, "ipx::save_core $core", "close_project", ""])
