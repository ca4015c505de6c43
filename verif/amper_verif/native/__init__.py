"""The RTL compiled to native code, behind the device."""
