# make install, make uninstall: to PREFIX (LIBDIR for libraries, DOCDIR for licences), below DESTDIR for packagers.
# PROFILE_DIR is the folder in which the libraries were built. Installing never builds, because root may not have the
# toolchain.

PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DOCDIR ?= $(PREFIX)/share/doc/ottla
INSTALL ?= install
LDCONFIG ?= ldconfig

OTTLA_VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
OTTLA_MAJOR := $(firstword $(subst ., ,$(OTTLA_VERSION)))
OTTLA_SO := libottla.so.$(OTTLA_VERSION)
OTTLA_SONAME := libottla.so.$(OTTLA_MAJOR)

.PHONY: install uninstall

## install      the libraries, the headers, ottla.pc and the licences, to PREFIX (/usr/local), LIBDIR (PREFIX/lib), below DESTDIR
install:
	@for library in libottla.so libottla.a; do \
		test -f '$(PROFILE_DIR)'/$$library && continue; \
		echo "make install: there is no $$library in $(PROFILE_DIR), and installing does not build it." >&2; \
		echo 'Run make first (it needs cargo, not root), or name the folder: make install PROFILE_DIR=FOLDER' >&2; \
		exit 1; \
	done
	$(INSTALL) -d '$(DESTDIR)$(LIBDIR)/pkgconfig' '$(DESTDIR)$(PREFIX)/include' '$(DESTDIR)$(DOCDIR)'
	$(INSTALL) -m 755 '$(PROFILE_DIR)/libottla.so' '$(DESTDIR)$(LIBDIR)/$(OTTLA_SO)'
	ln -sf $(OTTLA_SO) '$(DESTDIR)$(LIBDIR)/$(OTTLA_SONAME)'
	ln -sf $(OTTLA_SONAME) '$(DESTDIR)$(LIBDIR)/libottla.so'
	$(INSTALL) -m 644 '$(PROFILE_DIR)/libottla.a' '$(DESTDIR)$(LIBDIR)/libottla.a'
	$(INSTALL) -m 644 include/ottla.h include/ottla.cdef.h '$(DESTDIR)$(PREFIX)/include'
	$(INSTALL) -m 644 LICENSE THIRD-PARTY '$(DESTDIR)$(DOCDIR)'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(OTTLA_VERSION)|' \
		packaging/ottla.pc.in > '$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc'
	chmod 644 '$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc'
	$(INSTALL) -d '$(DESTDIR)$(PREFIX)/share/ottla'
	$(INSTALL) -m 644 packaging/suppressions/*.supp '$(DESTDIR)$(PREFIX)/share/ottla'
	@test -n '$(DESTDIR)' || packaging/after-install '$(LDCONFIG)' '$(LIBDIR)' '$(OTTLA_SONAME)'

## uninstall    removes what install put there
uninstall:
	rm -f '$(DESTDIR)$(LIBDIR)/$(OTTLA_SO)' '$(DESTDIR)$(LIBDIR)/$(OTTLA_SONAME)' \
		'$(DESTDIR)$(LIBDIR)/libottla.so' '$(DESTDIR)$(LIBDIR)/libottla.a' \
		'$(DESTDIR)$(LIBDIR)/pkgconfig/ottla.pc' '$(DESTDIR)$(PREFIX)/include/ottla.h' \
		'$(DESTDIR)$(PREFIX)/include/ottla.cdef.h' \
		'$(DESTDIR)$(DOCDIR)/LICENSE' '$(DESTDIR)$(DOCDIR)/THIRD-PARTY'
	-rmdir '$(DESTDIR)$(DOCDIR)'
	rm -f '$(DESTDIR)$(PREFIX)'/share/ottla/*.supp
	-rmdir '$(DESTDIR)$(PREFIX)/share/ottla'
