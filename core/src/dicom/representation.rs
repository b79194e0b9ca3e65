//! Value representations, by their two letters.

/// Whether these are the letters of a value representation (PS3.5 6.2).
pub(super) fn is_vr(vr: [u8; 2]) -> bool {
    has_short_length(vr)
        || [*b"OB", *b"OD", *b"OF", *b"OL", *b"OV", *b"OW", *b"SQ", *b"SV"].contains(&vr)
        || [*b"UC", *b"UN", *b"UR", *b"UT", *b"UV"].contains(&vr)
}

/// PS3.5 table 7.1-2; a VR of a later edition has a long length (clause 6.2.2).
pub(super) fn has_short_length(vr: [u8; 2]) -> bool {
    matches!(
        &vr,
        b"AE"
            | b"AS"
            | b"AT"
            | b"CS"
            | b"DA"
            | b"DS"
            | b"DT"
            | b"FL"
            | b"FD"
            | b"IS"
            | b"LO"
            | b"LT"
            | b"PN"
            | b"SH"
            | b"SL"
            | b"SS"
            | b"ST"
            | b"TM"
            | b"UI"
            | b"UL"
            | b"US"
    )
}
