# make install, make uninstall: to PREFIX (LIBDIR for libraries), below DESTDIR for packagers. Needs PROFILE_DIR, where the
# libraries were built.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
INSTALL ?= install

OTTLA_VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
OTTLA_MAJOR := $(firstword $(subst ., ,$(OTTLA_VERSION)))
OTTLA_SO := libottla.so.$(OTTLA_VERSION)

.PHONY: install uninstall

## install      the libraries, the header and ottla.pc, to PREFIX (/usr/local), LIBDIR (PREFIX/lib), below DESTDIR
install: library
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(PREFIX)/include'
	$(INSTALL) -m 755 '$(PROFILE_DIR)/libottla.so' '$(DESTDIR)$(LIBDIR)/$(OTTLA_SO)'
	ln -sf $(OTTLA_SO) '$(DESTDIR)$(LIBDIR)/libottla.so.$(OTTLA_MAJOR)'
	ln -sf libottla.so.$(OTTLA_MAJOR) '$(DESTDIR)$(LIBDIR)/libottla.so'
	$(INSTALL) -m 644 '$(PROFILE_DIR)/libottla.a' '$(DESTDIR)$(LIBDIR)/libottla.a'
	$(INSTALL) -m 644 include/ottla.h '$(DESTDIR)$(PREFIX)/include/ottla.h'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(OTTLA_VERSION)|' \
		packaging/ottla.pc.in > '$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc'
	chmod 644 '$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc'

## uninstall    removes what install put there
uninstall:
	rm -f '$(DESTDIR)$(LIBDIR)/$(OTTLA_SO)' '$(DESTDIR)$(LIBDIR)/libottla.so.$(OTTLA_MAJOR)' \
		'$(DESTDIR)$(LIBDIR)/libottla.so' '$(DESTDIR)$(LIBDIR)/libottla.a' \
		'$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc' '$(DESTDIR)$(PREFIX)/include/ottla.h'
