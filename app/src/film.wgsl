// Draws one tile of a film: stored samples, the display table, bilinear between display values.
// The table comes first and the interpolation after it: samples of padding and of tissue must
// never be mixed, and a VOI LUT need not be monotone.

struct Draw {
    // Corners of the tile's own area in normalised device coordinates: left, top, right, bottom.
    ndc: vec4<f32>,
    // The same corners in texels of the tile's texture.
    texel: vec4<f32>,
    // x: 1 where the target encodes sRGB itself and wants linear values.
    flags: vec4<u32>,
};

@group(0) @binding(0) var<uniform> draw: Draw;
@group(1) @binding(0) var samples: texture_2d<u32>;
@group(1) @binding(1) var table: texture_2d<f32>;

struct Vertex {
    @builtin(position) position: vec4<f32>,
    @location(0) texel: vec2<f32>,
};

@vertex
fn vs_main(@builtin(vertex_index) index: u32) -> Vertex {
    let at = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    var out: Vertex;
    out.position = vec4<f32>(mix(draw.ndc.xy, draw.ndc.zw, at), 0.0, 1.0);
    out.texel = mix(draw.texel.xy, draw.texel.zw, at);
    return out;
}

fn display(at: vec2<i32>, last: vec2<i32>) -> f32 {
    let sample = textureLoad(samples, clamp(at, vec2<i32>(0), last), 0).r;
    return textureLoad(table, vec2<i32>(i32(sample & 255u), i32(sample >> 8u)), 0).r;
}

@fragment
fn fs_main(in: Vertex) -> @location(0) vec4<f32> {
    let last = vec2<i32>(textureDimensions(samples)) - 1;
    let place = in.texel - 0.5;
    let corner = vec2<i32>(floor(place));
    let part = place - floor(place);
    let upper = mix(display(corner, last), display(corner + vec2<i32>(1, 0), last), part.x);
    let lower =
        mix(display(corner + vec2<i32>(0, 1), last), display(corner + vec2<i32>(1, 1), last), part.x);
    var grey = mix(upper, lower, part.y);
    if draw.flags.x == 1u {
        if grey <= 0.04045 {
            grey = grey / 12.92;
        } else {
            grey = pow((grey + 0.055) / 1.055, 2.4);
        }
    }
    return vec4<f32>(grey, grey, grey, 1.0);
}
