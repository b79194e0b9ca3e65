//! RLE Lossless (PS3.5 annex G): one PackBits segment a byte plane, high plane first.

use super::Error;

const FORMAT: &str = "RLE";
const HEADER: usize = 64;

/// The pixels of a frame, `bytes_per_sample` 1 or 2.
pub(crate) fn decode(
    frame: &[u8],
    pixels: usize,
    bytes_per_sample: usize,
) -> Result<Vec<u16>, Error> {
    let header = frame.get(..HEADER).ok_or(Error::Cut { format: FORMAT })?;
    let word = |i: usize| {
        u32::from_le_bytes([header[4 * i], header[4 * i + 1], header[4 * i + 2], header[4 * i + 3]])
            as usize
    };
    if word(0) != bytes_per_sample {
        let what = format!("it has {} segments where {bytes_per_sample} are needed", word(0));
        return Err(Error::Damaged { format: FORMAT, what });
    }
    let mut samples = vec![0; pixels];
    for segment in 0..bytes_per_sample {
        let start = word(segment + 1);
        let end = if segment + 1 < bytes_per_sample { word(segment + 2) } else { frame.len() };
        let bytes = frame.get(start..end).filter(|_| start >= HEADER).ok_or_else(|| {
            Error::Damaged { format: FORMAT, what: "a segment lies outside the frame".to_owned() }
        })?;
        unpack(bytes, 8 * (bytes_per_sample - 1 - segment) as u32, &mut samples)?;
    }
    Ok(samples)
}

/// Adds one byte plane, shifted into its place (PS3.5 G.3.2).
fn unpack(mut bytes: &[u8], shift: u32, samples: &mut [u16]) -> Result<(), Error> {
    let mut rest = samples;
    while !rest.is_empty() {
        let (&control, tail) = bytes.split_first().ok_or(Error::Cut { format: FORMAT })?;
        bytes = tail;
        match control {
            0..=127 => {
                let count = usize::from(control) + 1;
                let literal = bytes.get(..count).ok_or(Error::Cut { format: FORMAT })?;
                let (now, later) = split(rest, count)?;
                for (sample, byte) in now.iter_mut().zip(literal) {
                    *sample |= u16::from(*byte) << shift;
                }
                (rest, bytes) = (later, &bytes[count..]);
            }
            128 => {}
            129..=255 => {
                let (&byte, tail) = bytes.split_first().ok_or(Error::Cut { format: FORMAT })?;
                let (now, later) = split(rest, 257 - usize::from(control))?;
                for sample in now {
                    *sample |= u16::from(byte) << shift;
                }
                (rest, bytes) = (later, tail);
            }
        }
    }
    // The segment's padding, or rows that the header does not know of.
    if bytes.iter().any(|byte| *byte != 0 && *byte != 128) {
        return Err(too_long());
    }
    Ok(())
}

/// A run must not go past the last pixel: the header would not match the stream.
fn split(rest: &mut [u16], count: usize) -> Result<(&mut [u16], &mut [u16]), Error> {
    rest.split_at_mut_checked(count).ok_or_else(too_long)
}

fn too_long() -> Error {
    let what = "it holds more pixels than the header says".to_owned();
    Error::Damaged { format: FORMAT, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_packbits_unpacks() {
        // Apple's example: FE AA 02 80 00 2A FD AA 03 80 00 2A 22 F7 AA, 24 bytes.
        let mut frame = vec![0_u8; HEADER];
        frame[0] = 1;
        frame[4] = 64;
        frame.extend([
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ]);
        let expected: Vec<u16> = [
            [0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00].as_slice(),
            &[0x2A, 0x22, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA],
        ]
        .concat();
        assert_eq!(decode(&frame, 24, 1).expect("a good frame"), expected);
        assert!(decode(&frame, 25, 1).is_err(), "one pixel short");
        assert!(decode(&frame, 23, 1).is_err(), "one pixel too many");
        assert!(decode(&frame, 14, 1).is_err(), "a whole run too many");
        frame.extend([0, 0]);
        assert!(decode(&frame, 24, 1).is_ok(), "padding");
        assert!(decode(&frame, 24, 2).is_err(), "one segment where two are needed");
    }
}
